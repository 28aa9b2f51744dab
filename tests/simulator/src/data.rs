//! Trackings out of JSON files.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::members::Members;

/// Why data was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataError(String);

impl DataError {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }

    /// The same, with the file it happened in.
    pub(crate) fn within(self, file: &Path) -> Self {
        Self(format!("{}: {}", file.display(), self.0))
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for DataError {}

/// The trackings of a file, or of the `.json` files of a directory by name, each as it is written.
pub(crate) fn read(path: &Path) -> Result<Vec<(PathBuf, Vec<String>)>, DataError> {
    let files = if path.is_dir() { files_of(path)? } else { vec![path.to_owned()] };
    files
        .into_iter()
        .map(|file| {
            let failed = |error: std::io::Error| DataError::new(error.to_string()).within(&file);
            let text = fs::read_to_string(&file).map_err(failed)?;
            let trackings = split(&text).map_err(|error| error.within(&file))?;
            Ok((file, trackings))
        })
        .collect()
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |error: std::io::Error| DataError::new(error.to_string()).within(directory);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The trackings in one document: a list answer, a single answer, an array, or a tracking.
fn split(text: &str) -> Result<Vec<String>, DataError> {
    serde_json::from_str::<&RawValue>(text).map_err(|error| DataError::new(error.to_string()))?;
    let Some(document) = Members::parse(text) else { return elements(text) };
    match document.raw("data") {
        None => Ok(vec![text.to_owned()]),
        Some(data) => match Members::parse(data).as_ref().and_then(|data| data.raw("trackings")) {
            Some(list) => elements(list),
            None => Ok(vec![data.to_owned()]),
        },
    }
}

fn elements(text: &str) -> Result<Vec<String>, DataError> {
    let list: Vec<&RawValue> = serde_json::from_str(text)
        .map_err(|_| DataError::new("neither trackings nor an answer with trackings"))?;
    Ok(list.into_iter().map(|element| element.get().to_owned()).collect())
}
