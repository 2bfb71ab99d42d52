//! Logs on their way: how lines are packed for store and wire, and the newest ones of running logs in memory, shared by
//! all who watch. Knows no database and no socket.

pub mod block;
pub mod tails;
