//! The API over HTTP: a router, and requests without a socket.
