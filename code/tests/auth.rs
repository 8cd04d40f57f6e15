//! What the chapters on passwords and sign-in say.
#![allow(clippy::unwrap_used)] // in a test, a panic is the report
#![cfg(all(feature = "server", feature = "sqlite"))]

mod support;

mod auth {
    use service::clock::Random;
    use service::customers::passwords::{Password, Passwords};

    use crate::support::recorded;

    #[tokio::test]
    async fn a_hash_has_everything_that_a_comparison_needs() {
        let passwords =
            Passwords::new(Random::new(|| *b"published, so it isn't random at"));
        let password = "a flat white and a croissant";
        let password = Password::new(password.into(), None).unwrap();
        let hash = passwords.hash(password).await.unwrap();
        recorded("output/auth/hash.txt", &format!("{hash}\n"));
    }

    /// The hash is from the tests of Argon2's reference implementation, in C.
    #[tokio::test]
    async fn a_hash_that_another_program_made_can_be_checked() {
        let passwords = Passwords::new(Random::new(|| [0; 32]));
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                    $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        for (password, right) in [("password", true), ("passwort", false)] {
            let checked = passwords.verify(password.into(), Some(hash.into()));
            assert_eq!(checked.await.unwrap(), right, "{password}");
        }
    }
}
