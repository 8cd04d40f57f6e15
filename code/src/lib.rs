//! Every snippet.
