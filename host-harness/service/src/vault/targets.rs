//! What is at rest beside the secrets of connections: targets of forwards (their URLs and signing secrets),
//! and answers to writes; sealed by the master key.

use connector_state::Sealed;

use super::{MasterKey, SealContext, SealError, Secret, Vault, VaultError};

impl Vault {
    /// Seals the target of the forward with this id.
    ///
    /// # Errors
    /// [`VaultError::Seal`].
    pub fn seal_target(&self, forward: &str, target: &Secret) -> Result<Sealed, VaultError> {
        Ok(self.master().0.seal(context(forward), target.expose())?)
    }

    /// Opens what [`Vault::seal_target`] made.
    ///
    /// # Errors
    /// [`VaultError::Seal`].
    pub fn open_target(&self, forward: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        Ok(self.master().0.open(context(forward), sealed)?)
    }

    /// The same sealed by another master key; `None` where it is already.
    ///
    /// # Errors
    /// [`VaultError::Seal`].
    pub fn reseal_target(
        &self,
        forward: &str,
        sealed: &Sealed,
        new: &MasterKey,
    ) -> Result<Option<Sealed>, VaultError> {
        if new.0.open(context(forward), sealed).is_ok() {
            return Ok(None);
        }
        let target = self.open_target(forward, sealed)?;
        Ok(Some(new.0.seal(context(forward), target.expose())?))
    }
}

impl Vault {
    /// Seals what the write that is known by `name` was answered.
    ///
    /// # Errors
    /// [`VaultError::Seal`].
    pub fn seal_answer(&self, name: &str, answer: &[u8]) -> Result<Sealed, VaultError> {
        Ok(self.master().0.seal(answer_to(name), answer)?)
    }

    /// Opens what [`Vault::seal_answer`] made.
    ///
    /// # Errors
    /// [`VaultError::Seal`]; also after the master key was changed.
    pub fn open_answer(&self, name: &str, sealed: &Sealed) -> Result<Secret, VaultError> {
        Ok(self.master().0.open(answer_to(name), sealed)?)
    }
}

fn answer_to(name: &str) -> SealContext<'_> {
    SealContext { connection: "", kind: "answer", name, version: 0 }
}

/// What [`Vault::seal_target`] made with one master key, sealed by another.
pub(crate) fn resealed_target(
    forward: &str,
    sealed: &Sealed,
    from: &MasterKey,
    to: &MasterKey,
) -> Result<Sealed, SealError> {
    let target = from.0.open(context(forward), sealed)?;
    to.0.seal(context(forward), target.expose())
}

fn context(forward: &str) -> SealContext<'_> {
    SealContext { connection: forward, kind: "forward", name: "", version: 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use connector_contract::clock::SystemClock;
    use connector_state::memory::Memory;

    use super::*;
    use crate::vault::Key;

    #[test]
    fn a_target_opens_for_its_forward_alone_and_goes_to_another_master_key_once() {
        let master = || MasterKey(Key::new([7; 32]));
        let vault = Vault::new(Memory::new(), Arc::new(SystemClock), master());
        let sealed = vault.seal_target("f1", &Secret::new("https://a.example/token")).unwrap();
        assert_eq!(vault.open_target("f1", &sealed).unwrap().expose(), b"https://a.example/token");
        assert!(matches!(
            vault.open_target("f2", &sealed),
            Err(VaultError::Seal(SealError::NotOurs))
        ));
        let new = MasterKey(Key::new([8; 32]));
        let again = vault.reseal_target("f1", &sealed, &new).unwrap().unwrap();
        assert!(vault.open_target("f1", &again).is_err());
        assert_eq!(vault.reseal_target("f1", &again, &new), Ok(None));
        let vault = Vault::new(Memory::new(), Arc::new(SystemClock), new);
        assert_eq!(vault.open_target("f1", &again).unwrap().expose(), b"https://a.example/token");
    }
}
