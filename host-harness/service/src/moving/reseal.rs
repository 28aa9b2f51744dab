//! What master keys seal in rows: keys of connections, and targets of forwards.

use connector_state::Sealed;
use connector_state::moving::{Cell, MovedRow};

use crate::vault::{Key, MasterKey, SealError, resealed_target};

/// Seals what one master key has sealed in a row by another one.
pub fn reseal(row: &mut MovedRow, from: &MasterKey, to: &MasterKey) -> Result<(), SealError> {
    let id = row.text("id").to_owned();
    let sealed = |column| Sealed(row.cell(column).bytes().unwrap_or_default().to_vec());
    let (column, Sealed(bytes)) = match row.table.name {
        "connections" => {
            let key = Key::opened(&from.0, &id, &sealed("sealed_key"))?;
            ("sealed_key", key.sealed_under(&to.0, &id)?)
        }
        "forwards" | "shared_forwards" => {
            ("sealed", resealed_target(&id, &sealed("sealed"), from, to)?)
        }
        _ => return Ok(()),
    };
    row.set(column, Cell::Bytes(bytes));
    Ok(())
}
