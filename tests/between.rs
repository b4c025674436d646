//! Between a program and the account it works in: a relay that sees every call, and can kill the program before or after any
//! of them.

use std::io::{self, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// When, of a call, the program dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call is never made.
    Before,
    /// The account has answered, and nobody has heard it.
    After,
}

/// Which call the program dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fatal {
    /// The nth of all, counted from 1.
    Call(usize),
    /// The nth of this operation.
    Operation(&'static str, usize),
    /// It lives on.
    Never,
}

/// A program that may have to die.
pub type Victim = Arc<Mutex<Option<Child>>>;

#[derive(Default)]
struct State {
    /// Operations in the order in which they were asked for; the account's own controls are not among them.
    calls: Vec<String>,
    /// Which call is the last, and who dies of it.
    trap: Option<(Fatal, Moment, Victim)>,
    /// It has sprung: nothing goes through any more.
    shut: bool,
}

/// The relay; it ends with the test.
#[derive(Clone)]
pub struct Relay {
    state: Arc<Mutex<State>>,
    url: String,
}

impl Relay {
    /// A relay to an account that listens at `url`.
    pub fn to(url: &str) -> Self {
        let account = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let relay = Self {
            state: Arc::default(),
            url: format!("http://127.0.0.1:{port}"),
        };
        let all = relay.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (relay, account) = (all.clone(), account.clone());
                thread::spawn(move || {
                    // A connection that breaks is how either of them dies.
                    let _ = relay.serve(client, &account);
                });
            }
        });
        relay
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Forgets what it has seen, and kills `victim` at this call from now on.
    pub fn set(&self, fatal: Fatal, moment: Moment, victim: &Victim) {
        *self.state() = State {
            trap: Some((fatal, moment, Arc::clone(victim))),
            ..State::default()
        };
    }

    /// The calls since then.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, client: TcpStream, account: &str) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut requests = BufReader::new(client.try_clone()?);
        let mut client = client;
        let upstream = TcpStream::connect(account)?;
        upstream.set_nodelay(true)?;
        let mut answers = BufReader::new(upstream.try_clone()?);
        let mut upstream = upstream;
        while let Some(request) = Message::read(&mut requests)? {
            let moment = self.admit(&request);
            if moment == Some(Moment::Before) || self.state().shut {
                self.spring();
                return Ok(());
            }
            upstream.write_all(&request.bytes)?;
            let Some(answer) = Message::read(&mut answers)? else {
                return Ok(());
            };
            if moment == Some(Moment::After) || self.state().shut {
                self.spring();
                return Ok(());
            }
            client.write_all(&answer.bytes)?;
        }
        Ok(())
    }

    /// Counts a call; answers when it is the last.
    fn admit(&self, request: &Message) -> Option<Moment> {
        let operation = request.operation()?;
        let mut state = self.state();
        state.calls.push(operation);
        let (fatal, moment, _) = state.trap.as_ref()?;
        let last = match fatal {
            Fatal::Never => false,
            Fatal::Call(number) => state.calls.len() == *number,
            Fatal::Operation(name, number) => {
                let same = |call: &&String| call == name;
                state.calls.last().is_some_and(|call| call == name)
                    && state.calls.iter().filter(same).count() == *number
            }
        };
        last.then_some(*moment)
    }

    /// Kills the program as nothing can be prepared for.
    fn spring(&self) {
        let mut state = self.state();
        state.shut = true;
        if let Some((_, _, victim)) = state.trap.take() {
            let mut victim = victim.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(child) = victim.as_mut() {
                // It may have ended meanwhile.
                let _ = child.kill();
            }
        }
    }
}

/// A request or an answer, as it came.
struct Message {
    head: String,
    bytes: Vec<u8>,
    body: usize,
}

impl Message {
    /// `None`: the other side has closed the connection.
    fn read(from: &mut impl io::BufRead) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            if from.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
        }
        let head = String::from_utf8_lossy(&bytes).into_owned();
        let body = bytes.len();
        let mut message = Self { head, bytes, body };
        if let Some(length) = message.header("content-length") {
            let length = length.parse().map_err(io::Error::other)?;
            let mut content = vec![0; length];
            from.read_exact(&mut content)?;
            message.bytes.extend(content);
        } else if message.header("transfer-encoding").is_some() {
            return Err(io::Error::other("chunks are not relayed"));
        }
        Ok(Some(message))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut pairs = lines.filter_map(|line| line.split_once(':'));
        let found = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }

    /// What is asked for, unless it is one of the account's own controls: `DescribeStacks`, `GET /2015-02-01/file-systems`.
    fn operation(&self) -> Option<String> {
        let line = self.head.lines().next()?;
        let (method, path) = line.rsplit_once(' ')?.0.split_once(' ')?;
        if path.starts_with("/_efslab") {
            return None;
        }
        if let Some(target) = self.header("x-amz-target") {
            return Some(target.rsplit('.').next().unwrap_or(target).to_owned());
        }
        let body = String::from_utf8_lossy(&self.bytes[self.body..]);
        let action = body
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action="));
        Some(action.map_or_else(
            || format!("{method} {}", path.split('?').next().unwrap_or(path)),
            str::to_owned,
        ))
    }
}
