//! Servers as they run: two with one file, and one that is killed in the middle of its work.

use std::array::from_fn;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use code::data;
use code::data::repository::Repository;
use code::transactions::sqlite::Sqlite;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{Tested, file};

/// How many espressos there are to begin with; more than are ordered.
const STOCK: u32 = 10_000;

/// `cargo chapter transactions --database FILE`, under way.
struct Server {
    child: Child,
    port: u16,
    /// Kept open: it says more, and would fail if nobody could hear it.
    says: BufReader<ChildStdout>,
}

impl Server {
    fn start(file: &Path) -> io::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chapter"))
            .args(["transactions", "--port", "0", "--database"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().expect("stdout is piped");
        let says = BufReader::new(stdout);
        let mut server = Self {
            child,
            port: 0,
            says,
        };
        let mut line = String::new();
        server.says.read_line(&mut line)?;
        let port = line.trim_end().rsplit(':').next().unwrap_or_default();
        server.port = port
            .parse()
            .unwrap_or_else(|_| panic!("it says where it answers, not {line:?}"));
        Ok(server)
    }

    /// SIGKILL on Unix, TerminateProcess on Windows: it is not asked and cannot tidy up.
    fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has been killed already, unless the test has failed.
        let _ = self.kill();
    }
}

/// Orders one. Gives the order as the shop answered it, once the answer is whole.
fn order(port: u16, item: &str) -> Result<Value, Box<dyn Error>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    // A guard: what never comes fails the test instead of holding it up.
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let body = json!({ "customer": "Ada", "item": item, "quantity": 1 });
    let body = body.to_string();
    write!(
        stream,
        "POST /orders HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    if !head.starts_with("HTTP/1.1 201 Created") {
        return Err(answer.into());
    }
    Ok(serde_json::from_str(body)?)
}

/// Four customers order 200 espressos. After so many answers the server is killed.
fn answered(server: &mut Server, enough: usize) -> io::Result<Vec<Value>> {
    let port = server.port;
    // No room to wait in: nobody orders more before the last answer is counted.
    let (send, answers) = mpsc::sync_channel(0);
    thread::scope(|threads| {
        for _ in 0..4 {
            let send = send.clone();
            threads.spawn(move || {
                let orders = (0..50).map_while(|_| order(port, "espresso").ok());
                orders
                    .take_while(|order| send.send(order.clone()).is_ok())
                    .count()
            });
        }
        drop(send); // so that the answers end when the customers do
        let mut orders = Vec::new();
        for answer in answers {
            orders.push(answer);
            if orders.len() == enough {
                server.kill()?;
            }
        }
        Ok(orders)
    })
}

/// Asks for a croissant: yes or no, and nothing else.
fn gets_one(port: u16) -> bool {
    match order(port, "croissant").map_err(|no| no.to_string()) {
        Ok(_) => true,
        Err(no) if no.starts_with("HTTP/1.1 409 ") => false,
        Err(other) => panic!("{other}"),
    }
}

// ANCHOR: two-programs
#[tokio::test]
async fn two_programs_with_one_file_sell_one_croissant() -> Tested {
    let (_folder, file) = file()?;
    let shelf = data::sqlite::Sqlite::open(&file)?;
    let servers = [Server::start(&file)?, Server::start(&file)?];
    for _day in 0..20 {
        shelf.set_stock("croissant", 1).await?;
        let ask = |buyer: usize| gets_one(servers[buyer % 2].port);
        let sold = thread::scope(|threads| {
            let buyers: [_; 8] = from_fn(|buyer| threads.spawn(move || ask(buyer)));
            buyers.map(|buyer| buyer.join().expect("it asks"))
        });
        assert_eq!(sold.iter().filter(|&&sold| sold).count(), 1);
    }
    Ok(())
}
// ANCHOR_END: two-programs

// ANCHOR: survives
#[tokio::test]
async fn what_was_answered_survives_a_kill() -> Tested {
    let (_folder, file) = file()?;
    stock_up(&file).await?;
    for enough in (3..=60).step_by(3) {
        let mut server = Server::start(&file)?;
        let orders = answered(&mut server, enough)?;
        assert!((enough..200).contains(&orders.len()), "in the middle");

        let books = Sqlite::open(&file)?;
        for order in &orders {
            let id = order["id"].as_u64().ok_or("no number")?;
            let kept = books.order(id).await?.ok_or("an order is lost")?;
            assert_eq!(serde_json::to_value(kept)?, *order);
        }
        let (left, sold) = espressos(&file)?;
        assert_eq!(left + sold, STOCK, "stock and orders agree");
    }
    Ok(())
}
// ANCHOR_END: survives

async fn stock_up(file: &Path) -> Tested {
    let books = data::sqlite::Sqlite::open(file)?;
    books.set_stock("espresso", STOCK).await?;
    Ok(())
}

/// How many are left, and how many all the orders are for, answered or not.
fn espressos(file: &Path) -> rusqlite::Result<(u32, u32)> {
    let books = Connection::open(file)?;
    let sql =
        "SELECT stock, (SELECT sum(quantity) FROM orders WHERE item = items.id)
               FROM items WHERE id = 'espresso'";
    books.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
}
