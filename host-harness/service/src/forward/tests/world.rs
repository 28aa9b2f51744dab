//! A state with a connection and a forward, and its target, in memory.

use super::*;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What a target answers.
#[derive(Clone)]
pub enum Says {
    Status(u16),
    /// With this header besides.
    With(u16, &'static str),
    /// And a body of so many bytes.
    Long(u16, usize),
    Nothing,
}

/// From a message's `data` to an answer.
pub type Judge = dyn Fn(&Value) -> Says + Send + Sync;

/// A target in memory: it checks what it gets, and keeps it.
#[derive(Clone)]
pub struct Target {
    pub taken: Arc<Mutex<Vec<(String, Value)>>>,
    pub tries: Arc<Mutex<Vec<String>>>,
    pub judge: Arc<Mutex<Arc<Judge>>>,
    /// Bytes of answers that could be written.
    pub written: Arc<Mutex<usize>>,
    pub is_signed: bool,
}

impl Target {
    pub fn new() -> Self {
        let judge: Arc<Judge> = Arc::new(|_| Says::Status(200));
        Self {
            taken: Arc::default(),
            tries: Arc::default(),
            judge: Arc::new(Mutex::new(judge)),
            written: Arc::default(),
            is_signed: true,
        }
    }

    pub fn client(&self) -> Arc<HttpClient> {
        let mut options = EgressOptions::default();
        options.network = Arc::new(self.clone());
        Arc::new(HttpClient::new(options).unwrap())
    }

    pub fn says(&self, judge: impl Fn(&Value) -> Says + Send + Sync + 'static) {
        *self.judge.lock().unwrap() = Arc::new(judge);
    }

    /// Records with these ids get this status, others 200.
    pub fn answers(&self, status: u16, ids: &'static [&'static str]) {
        self.says(move |data| {
            let is_one = ids.iter().any(|id| data["id"] == *id);
            Says::Status(if is_one { status } else { 200 })
        });
    }

    /// Record and its number `n`, in the order in which they were taken.
    pub fn taken(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().map(|(_, message)| shown(&message["data"])).collect()
    }

    pub fn tries(&self) -> Vec<String> {
        self.tries.lock().unwrap().clone()
    }

    pub fn answer(&self, head: &str, body: &str) -> Says {
        let header = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
            line.map(str::to_owned)
        };
        assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
        let (id, at) = (header("webhook-id").unwrap(), header("webhook-timestamp").unwrap());
        let signer = Signer::read(&Secret::new(SECRET)).unwrap();
        let expected = signer.sign(&id, at.parse().unwrap(), body);
        assert_eq!(header("webhook-signature"), self.is_signed.then_some(expected));
        let message: Value = serde_json::from_str(body).unwrap();
        self.tries.lock().unwrap().push(shown(&message["data"]));
        let judge = Arc::clone(&self.judge.lock().unwrap());
        let says = judge(&message["data"]);
        if let Says::Status(200..300) | Says::With(200..300, _) | Says::Long(200..300, _) = says {
            self.taken.lock().unwrap().push((id, message));
        }
        says
    }
}

pub fn shown(data: &Value) -> String {
    match data["id"].as_str() {
        Some(id) => format!("{id} {}", data["record"]["n"]),
        None => format!("gap {} {}", data["from"], data["to"]),
    }
}

impl Resolve for Target {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(vec!["127.0.0.1:80".parse().unwrap()]) })
    }
}

impl Connect for Target {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, _: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (ours, mut theirs) = duplex(64 * 1024);
        let target = self.clone();
        tokio::spawn(async move {
            let mut bytes = Vec::new();
            while let Ok(byte) = theirs.read_u8().await {
                bytes.push(byte);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() < length.unwrap().parse().unwrap() {
                    continue;
                }
                let (status, header, length) = match target.answer(head, body) {
                    Says::Status(status) => (status, "x: y", 0),
                    Says::With(status, header) => (status, header, 0),
                    Says::Long(status, length) => (status, "x: y", length),
                    Says::Nothing => std::future::pending().await,
                };
                bytes.clear();
                let head =
                    format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{header}\r\n\r\n");
                theirs.write_all(head.as_bytes()).await.unwrap();
                for _ in 0..length / 1_024 {
                    if theirs.write_all(&[b'x'; 1_024]).await.is_err() {
                        return;
                    }
                    *target.written.lock().unwrap() += 1_024;
                }
            }
        });
        Box::pin(async move { Ok(Box::new(ours) as Box<dyn Stream>) })
    }
}

#[derive(Default)]
pub struct Noted(Mutex<Vec<String>>);

impl Notes for Noted {
    fn note(&self, note: &Note) {
        let Note::Failing { why, .. } = note else { panic!("{note:?}") };
        self.0.lock().unwrap().push(why.clone());
    }
}

/// A state with a connection and a forward, and its target.
pub struct World {
    pub clock: Arc<TokioClock>,
    pub state: Arc<Memory>,
    pub vault: Arc<Vault>,
    pub noted: Arc<Noted>,
    pub target: Target,
    pub row: ForwardRow,
}

impl World {
    pub async fn new() -> Self {
        Self::of(|_| {}).await
    }

    /// With a forward that is changed before it is put.
    pub async fn of(change: impl FnOnce(&mut ForwardRow)) -> Self {
        let clock = Arc::new(TokioClock::starting_at(UNIX_EPOCH + Duration::from_millis(NOW_MS)));
        let state = Memory::open(&Arc::default(), &Halt::at(None), clock.clone());
        let vault = Vault::new(state.clone(), clock.clone(), MasterKey(Key::new([7; 32])));
        let noted = Arc::default();
        let mut row = ForwardRow {
            id: "id-of-forward".to_owned(),
            name: "events".to_owned(),
            connector: "orders".to_owned(),
            connection: None,
            origin: String::new(),
            filters: vec![],
            template: None,
            is_signed: true,
            sealed: Sealed(vec![]),
            enabled: true,
            made_ms: NOW_MS,
        };
        let secret = Some(Secret::new(SECRET));
        let address = TargetAddress::new("http://127.0.0.1/hook", Private, secret).unwrap();
        address.seal(&mut row, &vault).unwrap();
        change(&mut row);
        let world =
            Self { clock, state, vault: Arc::new(vault), noted, target: Target::new(), row };
        world.connect("shop").await;
        world.state.put_forward(world.row.clone()).await.unwrap();
        world
    }

    pub async fn connect(&self, name: &str) {
        let connection = ConnectionRow {
            id: format!("id-of-{name}"),
            name: name.to_owned(),
            connector: "orders".to_owned(),
            scheme: "key".to_owned(),
            settings: [].into(),
            sealed_key: Sealed(vec![1]),
            made_ms: NOW_MS,
        };
        self.state.commit(vec![Change::PutConnection(connection)]).await.unwrap();
    }

    /// What a program that hands changes on runs.
    pub fn jobs(&self, supervisor: &Supervisor) -> ForwardJobs {
        ForwardJobs {
            outbox: self.state.clone(),
            vault: Arc::clone(&self.vault),
            clock: self.clock.clone(),
            notes: self.noted.clone(),
            http: self.target.client(),
            space: Private,
            connector: "orders".to_owned(),
            changed: Arc::default(),
            jobs: supervisor.jobs().clone(),
            begun: HashMap::new(),
        }
    }

    /// Hands on for so long.
    pub async fn forward(&self, time: Duration) {
        let address = TargetAddress::open(&self.row, &self.vault, Private).unwrap();
        let template = self.row.template.as_deref();
        let forwarder = Forwarder {
            outbox: self.state.clone(),
            clock: self.clock.clone(),
            notes: self.noted.clone(),
            id: self.row.id.clone(),
            name: self.row.name.clone(),
            target: ForwardTarget::new(address, template, self.target.client()).unwrap(),
            filters: self.row.filters.iter().map(|filter| filter.parse().unwrap()).collect(),
        };
        forwarder.run(&Notify::new(), sleep(time)).await;
    }

    pub async fn seconds(&self, seconds: u64) {
        self.forward(Duration::from_secs(seconds)).await;
    }

    /// The records change, one after the other.
    pub async fn change_of(&self, connection: &str, records: &[(&str, u32)]) {
        for (id, n) in records {
            self.apply(connection, vec![record(id, *n)]).await;
        }
    }

    /// They do all at once.
    pub async fn apply(&self, connection: &str, records: Vec<DataRecord>) {
        let connection = format!("id-of-{connection}");
        let asked = self.state.moment(&connection).await.unwrap();
        let batch = Batch::new(&connection, "orders", Source::Lookup, asked);
        self.state.apply(Batch { records, ..batch }).await.unwrap();
    }

    pub async fn change(&self, records: &[(&str, u32)]) {
        self.change_of("shop", records).await;
    }

    pub async fn lag(&self) -> ForwardLag {
        self.state.measure_forward(&self.row.id).await.unwrap()
    }

    pub async fn parked(&self) -> Vec<(u64, String)> {
        let parked = self.state.list_parked(&self.row.id, 99).await.unwrap();
        parked.into_iter().map(|(left, _)| (left.change, left.reason)).collect()
    }

    pub fn notes(&self) -> Vec<String> {
        self.noted.0.lock().unwrap().clone()
    }
}

pub fn record(id: &str, n: u32) -> DataRecord {
    DataRecord {
        id: id.to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data: json!({ "n": n }).to_string(),
    }
}
