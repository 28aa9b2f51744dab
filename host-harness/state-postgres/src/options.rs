//! Which database it is, and how it is reached.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use connector_state::files;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, config};
use url::{Host, Url};

/// What is wrong with the address of a database, and what to do. It shows no password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error("--state is no address of a database ({0}); write postgres://USER@HOST/DATABASE")]
    Form(String),
    /// It holds a password.
    #[error(
        "--state holds a password, and other programs see command lines; leave it out, and set \
         PGPASSWORD or give passfile=FILE (lines of host:port:database:user:password)"
    )]
    Password,
    /// It is told something that is not known.
    #[error(
        "--state says {0}, which is not known; it takes schema, host, connections, passfile, sslmode and sslrootcert"
    )]
    Unknown(String),
    /// A value cannot be.
    #[error("--state says {name}={value}; {next}")]
    Value {
        /// Which.
        name: String,
        /// What it is.
        value: String,
        /// What to give.
        next: &'static str,
    },
    /// A file cannot be read.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
}

/// How a database is reached.
#[derive(Clone)]
pub struct Address {
    /// For tokio-postgres, with the password.
    pub(crate) config: Config,
    /// The schema that the tables are in.
    pub(crate) schema: String,
    /// Connections at the same time.
    pub(crate) connections: usize,
    /// Certificates to trust instead of the web's (PEM).
    pub(crate) root: Option<Vec<u8>>,
    /// As messages name it.
    pub(crate) place: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.place)
    }
}

/// Where the tables are unless something else is said.
const SCHEMA: &str = "connector";
/// Stands where no host is named.
const NO_HOST: &str = "none.invalid";
/// Connections of one host unless something else is said.
const CONNECTIONS: usize = 16;

impl Address {
    /// Whether this is an address of a database, and no path.
    #[must_use]
    pub fn is_one(given: &str) -> bool {
        given.starts_with("postgres:") || given.starts_with("postgresql:")
    }

    /// As messages name it: without a password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Reads `postgres://USER@HOST:PORT/DATABASE`, and after `?`:
    ///
    /// | parameter | what |
    /// |---|---|
    /// | `schema` | of the tables; else `connector` |
    /// | `host` | a directory with the server's Unix socket |
    /// | `connections` | at the same time at most; else 16 |
    /// | `passfile` | a file as of libpq: lines of `host:port:database:user:password` |
    /// | `sslrootcert` | a PEM file with the certificates to trust; else the web's |
    /// | `sslmode` | `verify-full`; on this machine also `disable`, which is the default there |
    ///
    /// `variable` tells environment variables: `PGPASSWORD`, and `PGUSER` or `USER` where no user is named.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn read(
        given: &str,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, AddressError> {
        // `Url` takes no user without a host, which is that of a Unix socket.
        let named = given.replacen("@/", &format!("@{NO_HOST}/"), 1);
        let url = Url::parse(&named).map_err(|why| AddressError::Form(why.to_string()))?;
        if url.password().is_some() {
            return Err(AddressError::Password);
        }
        let form = |why: &str| AddressError::Form(why.to_owned());
        let named = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(Into::into)
                .map_err(|_| form("it is no text"))
        };
        let user: String = decoded(url.username())?;
        let user = Some(user).filter(|user| !user.is_empty());
        let user = user.or_else(|| named("PGUSER")).or_else(|| named("USER"));
        let user = user.ok_or_else(|| form("it names no user"))?;
        let database: String = decoded(url.path().trim_start_matches('/'))?;
        if database.is_empty() || database.contains('/') {
            return Err(form("it names no database"));
        }
        let host = url.host().filter(|host| *host != Host::Domain(NO_HOST));
        let mut host = host.map(|host| match host {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        });
        let (mut schema, mut connections) = (SCHEMA.to_owned(), CONNECTIONS);
        let (mut passfile, mut root, mut mode) = (None, None, None);
        for (name, value) in url.query_pairs() {
            let refused = |next| AddressError::Value {
                name: name.to_string(),
                value: value.to_string(),
                next,
            };
            match &*name {
                "schema" => {
                    let is_name = |byte: u8| {
                        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
                    };
                    let begins = value.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
                    if !begins
                        || value.len() > 63
                        || !value.bytes().all(is_name)
                        || value.starts_with("pg_")
                        || value == "public"
                    {
                        return Err(refused(
                            "a schema of its own is named by a-z, 0-9 and _, and is not public",
                        ));
                    }
                    schema = value.into_owned();
                }
                "host" if value.starts_with('/') => host = Some(value.into_owned()),
                "host" => {
                    return Err(refused(
                        "only a directory is named so; a name of a host stands before the database's",
                    ));
                }
                "connections" => {
                    let number = value.parse().ok().filter(|number| (2..=1_000).contains(number));
                    connections = number.ok_or_else(|| refused("give a number from 2 to 1000"))?;
                }
                "passfile" => passfile = Some(PathBuf::from(&*value)),
                "sslrootcert" => root = Some(content(Path::new(&*value))?),
                "sslmode" => mode = Some(value.into_owned()),
                _ => return Err(AddressError::Unknown(name.into_owned())),
            }
        }
        let host = host.ok_or_else(|| form("it names no host"))?;
        let port = url.port().unwrap_or(5432);
        let is_secured = is_secured(&host, mode.as_deref())?;
        let mut place = format!("postgres://{user}@");
        // Writing to a text cannot fail.
        let _ = match host.starts_with('/') {
            true => write!(place, "/{database}?host={host}&schema={schema}"),
            false => write!(place, "{host}:{port}/{database}?schema={schema}"),
        };
        let password = match passfile {
            Some(file) => password_in(&file, &[&host, &port.to_string(), &database, &user])?,
            None => named("PGPASSWORD").filter(|password| !password.is_empty()),
        };
        let mut config = Config::new();
        config.user(&user).dbname(&database).host(&host).port(port);
        config.ssl_mode(if is_secured { SslMode::Require } else { SslMode::Disable });
        // A replica lags behind, and takes no writes.
        config.target_session_attrs(config::TargetSessionAttrs::ReadWrite);
        if let Some(password) = password {
            config.password(password);
        }
        Ok(Self { config, schema, connections, root, place })
    }
}

/// Beyond this machine everything is encrypted, and the server's name is checked.
fn is_secured(host: &str, mode: Option<&str>) -> Result<bool, AddressError> {
    let address = host.parse::<std::net::IpAddr>();
    let is_here = host.starts_with('/')
        || host == "localhost"
        || address.is_ok_and(|address| address.is_loopback());
    let refused =
        |value, next| Err(AddressError::Value { name: "sslmode".to_owned(), value, next });
    match mode {
        Some("verify-full") if host.starts_with('/') => {
            refused("verify-full".to_owned(), "a Unix socket has no TLS; leave it out")
        }
        Some("verify-full") => Ok(true),
        None | Some("disable") if is_here => Ok(false),
        None => Ok(true),
        Some(other) => refused(
            other.to_owned(),
            "beyond this machine it is verify-full; give sslrootcert=FILE where the server's authority is your own",
        ),
    }
}

fn content(file: &Path) -> Result<Vec<u8>, AddressError> {
    std::fs::read(file).map_err(|why| unreadable(file, &why))
}

fn unreadable(file: &Path, why: &std::io::Error) -> AddressError {
    AddressError::File { path: file.display().to_string(), why: why.to_string() }
}

/// The password of the first line that fits, as libpq has it (its "The Password File").
fn password_in(file: &Path, wanted: &[&str; 4]) -> Result<Option<String>, AddressError> {
    files::nobody_else_reads(file).map_err(|why| unreadable(file, &why))?;
    let text = String::from_utf8(content(file)?).map_err(|_| AddressError::File {
        path: file.display().to_string(),
        why: "this password file is not UTF-8; write it anew as UTF-8".to_owned(),
    })?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line).into_iter();
        let fits = wanted.iter().enumerate().all(|(place, wanted)| {
            // libpq calls a Unix socket localhost.
            let wanted = if place == 0 && wanted.starts_with('/') { "localhost" } else { wanted };
            fields.next().is_some_and(|(field, is_any)| is_any || field == wanted)
        });
        fields.next().filter(|_| fits).map(|(password, _)| password)
    }))
}

/// The fields of a line, each with whether it stands for anything.
fn fields(line: &str) -> Vec<(String, bool)> {
    let (mut fields, mut field, mut escaped) = (Vec::new(), String::new(), false);
    let mut letters = line.chars();
    loop {
        match letters.next() {
            Some('\\') => {
                field.extend(letters.next());
                escaped = true;
            }
            // The password, the fifth, may hold colons.
            Some(':') if fields.len() < 4 => {
                let is_any = !std::mem::take(&mut escaped) && field == "*";
                fields.push((std::mem::take(&mut field), is_any));
            }
            Some(letter) => field.push(letter),
            None => {
                fields.push((field, false));
                return fields;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_state::scratch::Scratch;

    fn read(given: &str) -> Result<Address, String> {
        let variable = |name: &str| (name == "PGPASSWORD").then(|| OsString::from("canary"));
        Address::read(given, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        let address = read("postgres://me@db.example.com/main?schema=a_1").unwrap();
        assert_eq!(format!("{address:?}"), "postgres://me@db.example.com:5432/main?schema=a_1");
        assert_eq!(address.config.get_password(), Some(&b"canary"[..]));
        let refused = read("postgres://me:canary@db.example.com/main").unwrap_err();
        assert!(refused.contains("PGPASSWORD") && !refused.contains("canary"), "{refused}");
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted() {
        let mode = |given: &str| read(given).map(|address| address.config.get_ssl_mode());
        for here in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(mode(&format!("postgres://me@{here}/main")), Ok(SslMode::Disable));
            let checked = format!("postgres://me@{here}/main?sslmode=verify-full");
            assert_eq!(mode(&checked), Ok(SslMode::Require));
        }
        assert_eq!(mode("postgres://me@/main?host=/run/postgresql"), Ok(SslMode::Disable));
        assert_eq!(mode("postgres://me@db.example.com/main"), Ok(SslMode::Require));
        for weak in ["disable", "prefer", "require", "verify-ca"] {
            let refused = mode(&format!("postgres://me@db.example.com/main?sslmode={weak}"));
            assert!(refused.unwrap_err().contains("verify-full"));
        }
    }

    #[test]
    fn what_is_not_known_is_told() {
        for (given, why) in [
            ("postgres://me@db.example.com", "names no database"),
            ("postgres:///main", "names no user"),
            ("postgres://me@/main", "names no host"),
            ("postgres://me@localhost/main?schemas=a", "schemas"),
            ("postgres://me@localhost/main?schema=public", "is not public"),
            ("postgres://me@localhost/main?schema=A\"", "a-z"),
            ("postgres://me@localhost/main?connections=1", "2 to 1000"),
            ("postgres://me@localhost/main?sslrootcert=/no/such/file", "/no/such/file"),
        ] {
            let refused = read(given).unwrap_err();
            assert!(refused.contains(why), "{given}: {refused}");
        }
    }

    #[test]
    fn a_password_file_is_read_as_libpq_does() {
        let folder = Scratch::new();
        let file = folder.path().join("pgpass");
        files::make(&file).unwrap();
        let text = "# a line\nother:*:*:*:wrong\n*:5432:ma\\:in:*:a\\\\b:c\n*:*:*:*:last\n";
        std::fs::write(&file, text).unwrap();
        let found = |of: [&str; 4]| password_in(&file, &of).unwrap();
        assert_eq!(found(["db", "5432", "ma:in", "me"]).as_deref(), Some("a\\b:c"));
        assert_eq!(found(["db", "5433", "main", "me"]).as_deref(), Some("last"));
        let odd = folder.path().join("latin-1");
        files::make(&odd).unwrap();
        std::fs::write(&odd, b"*:*:*:*:canary\xe9\n").unwrap();
        let refused = password_in(&odd, &["db", "5432", "main", "me"]).unwrap_err().to_string();
        assert!(refused.contains("UTF-8") && !refused.contains("canary"), "{refused}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
            let refused = password_in(&file, &["db", "5432", "main", "me"]).unwrap_err();
            assert!(refused.to_string().contains("chmod 600"), "{refused}");
        }
    }
}
