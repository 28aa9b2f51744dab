//! Runs commands as a user would, shows and keeps what they print.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The variable that the commands read the key from.
pub const KEY_VARIABLE: &str = "AFTERSHIP_API_KEY";

/// Columns of the terminal.
const WIDTH: usize = 100;

/// A session at a terminal.
pub struct Session {
    binaries: PathBuf,
    options: Vec<String>,
    key: Option<String>,
    lines: Vec<String>,
    pictured: bool,
    steps: Vec<(String, Duration)>,
}

impl Session {
    /// Finds the programs that were built beside this one.
    pub fn new() -> Result<Self> {
        let own = std::env::current_exe().context("cannot find the tour's own program")?;
        let binaries = own.parent().context("the tour runs from cargo's target folder")?;
        Ok(Self {
            binaries: binaries.to_owned(),
            options: Vec::new(),
            key: None,
            lines: Vec::new(),
            pictured: false,
            steps: Vec::new(),
        })
    }

    /// A program of this workspace.
    pub fn program(&self, name: &str) -> Result<Command> {
        let path = self.binaries.join(name);
        if !path.exists() {
            bail!("{} is not built; run `make run`", path.display());
        }
        Ok(Command::new(path))
    }

    /// Options for every command from now on; shown once.
    pub fn options(&mut self, options: &[&str], key: Option<&str>) {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        self.key = key.map(str::to_owned);
    }

    /// Prints a line, and keeps it if the step is in the picture.
    pub fn say(&mut self, line: &str) {
        println!("{line}");
        if self.pictured {
            self.lines.push(line.to_owned());
        }
    }

    /// Begins a step that is in the picture too.
    pub fn highlight(&mut self, title: &str) {
        self.pictured = true;
        self.say("");
        self.say(&format!("# {title}"));
    }

    /// Begins a step.
    pub fn step(&mut self, title: &str) {
        self.pictured = false;
        self.say("");
        self.say(&format!("# {title}"));
    }

    /// Runs `connector-host` with `arguments`, shows command and output, and answers
    /// what it printed. Files are shown as if they lay here, not among the temporary ones.
    pub fn run(&mut self, arguments: &[&str]) -> Result<String> {
        let here = format!("{}/", std::env::temp_dir().display());
        let words = arguments.iter().map(|argument| quoted(argument.trim_start_matches(&here)));
        let words: Vec<String> = words.collect();
        for line in wrapped(&words) {
            self.say(&line);
        }
        let began = Instant::now();
        let output = self.quietly(arguments)?;
        self.steps.push((words.join(" "), began.elapsed()));
        for line in output.lines() {
            self.say(&shortened(line));
        }
        Ok(output)
    }

    /// As [`Session::run`], without showing anything.
    pub fn quietly(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments)?.output().context("cannot start connector-host")?;
        if !output.status.success() {
            bail!("`connector-host {}` ended with {}", arguments.join(" "), output.status);
        }
        String::from_utf8(output.stdout).context("its output is no UTF-8")
    }

    /// `connector-host` with the options of every command and `arguments`.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = self.program("connector-host")?;
        command.args(&self.options).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
        if let Some(key) = &self.key {
            command.env(KEY_VARIABLE, key);
        }
        Ok(command)
    }

    /// As [`Session::quietly`], with the output read as one JSON value.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.quietly(arguments)?;
        serde_json::from_str(output.trim()).context("its output is no JSON")
    }

    /// Shows the commands and how long each took.
    pub fn summary(&mut self) {
        self.step("Summary");
        for (command, took) in std::mem::take(&mut self.steps) {
            self.say(&format!("{:>8.2} s  {}", took.as_secs_f64(), shortened(&command)));
        }
    }

    /// The lines of the picture.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

fn quoted(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:+@,".contains(c);
    if argument.chars().all(plain) { argument.to_owned() } else { format!("'{argument}'") }
}

/// The command as a person would break it.
fn wrapped(words: &[String]) -> Vec<String> {
    let mut lines = vec!["$ connector-host".to_owned()];
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH - 2 => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("    {word}"));
            }
            None => {}
        }
    }
    lines
}

/// What of a line fits into the terminal.
pub fn shortened(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}
