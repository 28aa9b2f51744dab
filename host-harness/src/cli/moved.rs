//! What is said of connections that move to another state.

use anyhow::Result;
use host_harness::state::moving::{MoveRow, MoveStage};
use host_harness::store::Database;

use super::usage::Usage;

/// The move of a connection of this name.
///
/// # Errors
/// When the state cannot be used.
pub async fn left(store: &dyn Database, name: &str) -> Result<Option<MoveRow>> {
    Ok(store.moves().await?.into_iter().find(|row| row.name == name))
}

/// That a connection of this name cannot be worked on, because it moves.
pub fn refused(row: &MoveRow) -> Usage {
    let name = &row.name;
    match row.stage {
        MoveStage::Leaving => Usage::new(format!("the connection \"{name}\" is being moved")).next(
            format!(
                "if no `connections export` runs any more, run it again, or take it back: \
                 connections export {name} --cancel"
            ),
        ),
        MoveStage::Gone => {
            Usage::new(format!("the connection \"{name}\" was moved to another state")).next(
                format!(
                    "work on it there; `connections erase {name}` erases what is left of it here, and \
                     `connections export {name} --cancel` takes it back where the copy was destroyed"
                ),
            )
        }
        MoveStage::Coming => Usage::new(format!("the connection \"{name}\" is not whole yet")).next(
            "if no `connections import` runs any more, run it again",
        ),
    }
}
