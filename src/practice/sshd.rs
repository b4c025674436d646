//! The SSH server of a host: a loopback listener, logins by public key, one session per channel. What a session runs
//! comes from the host; forwarding, agents, X11 and sftp are refused.

mod authorize;
mod command;
mod completion;
mod line;
mod terminal;

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bashkit::terminal::TerminalSize;
use russh::keys::PrivateKey;
use russh::server::{
    self, Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty, SshId};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use self::line::Line;
use super::compute::HOST_KEY;
use super::compute::host::Host;
use super::compute::threads::on_its_own;
use super::compute::users::User;

/// Unanswered logins end after this, `LoginGraceTime` of OpenSSH.
const LOGIN_GRACE: Duration = Duration::from_mins(2);
/// The port that clients of an instance mean.
const PORT: u16 = 22;
/// How long a packet that nobody answers is sent again: with `tcp_syn_retries` of 6, which is usual on Linux.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);
/// Channels of one connection on which nothing runs yet, `MaxSessions` of OpenSSH.
const WAITING_MAX: usize = 10;

/// Until the next try when a connection could not be accepted.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What a session may set in its environment, as `AcceptEnv` of Amazon Linux lists it.
fn accepted(name: &str) -> bool {
    matches!(name, "LANG" | "LANGUAGE" | "XMODIFIERS") || name.starts_with("LC_")
}

/// Binds a port of 127.0.0.1: this one if it is free, else any.
pub async fn bind(wanted: Option<u16>) -> io::Result<TcpListener> {
    if let Some(port) = wanted
        && let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await
    {
        return Ok(listener);
    }
    TcpListener::bind(("127.0.0.1", 0)).await
}

/// Starts serving a host there, until its power goes. Whoever connected before is served now.
pub fn start(host: &Arc<Host>, listener: Arc<TcpListener>) -> io::Result<()> {
    let key = host.root().read(HOST_KEY).map_err(io::Error::from)?;
    let key = PrivateKey::from_openssh(key).map_err(io::Error::other)?;
    let config = Arc::new(Config {
        // Says what it is and pretends to be nothing else.
        server_id: SshId::Standard("SSH-2.0-efslab_practice".into()),
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        // Guessing over loopback is no danger, and clients that offer several keys need not wait.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    });
    host.tasks.spawn(accept(Arc::clone(host), config, listener));
    Ok(())
}

/// Refuses whoever connects to a host that runs but has no server, until its power goes.
pub fn refuse(host: &Arc<Host>, listener: Arc<TcpListener>) {
    let power = host.power.clone();
    host.tasks
        .spawn(power.run_until_cancelled_owned(async move {
            loop {
                if listener.accept().await.is_err() {
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }));
}

async fn accept(host: Arc<Host>, config: Arc<Config>, listener: Arc<TcpListener>) {
    loop {
        let stream = tokio::select! {
            () = host.power.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of files, or the client is gone already: the next one may have more luck.
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        host.tasks
            .spawn(serve(Arc::clone(&host), Arc::clone(&config), stream));
    }
}

async fn serve(host: Arc<Host>, config: Arc<Config>, mut stream: TcpStream) {
    let power = host.power.clone();
    let from = match stream.peer_addr() {
        Ok(SocketAddr::V4(from)) => *from.ip(),
        // Nobody else reaches a listener of 127.0.0.1; this one has gone already.
        _ => return,
    };
    let network = &host.surroundings;
    if !network.admits(&host.spec.instance_id, from, PORT) {
        tokio::select! {
            () = power.cancelled() => {}
            () = tokio::time::sleep(CONNECT_TIMEOUT) => {}
            () = until_gone(&mut stream) => {}
        }
        return;
    }
    // Nagle's delay would show as lag while typing.
    let _ = stream.set_nodelay(true);
    let line = Line::new(stream, power.clone());
    let (logged_in, login) = tokio::sync::oneshot::channel();
    let connection = Connection {
        host,
        from,
        user: None,
        logged_in: Some(logged_in),
        channels: HashMap::new(),
    };
    let started = tokio::select! {
        () = power.cancelled() => return,
        started = tokio::time::timeout(LOGIN_GRACE, server::run_stream(config, line, connection)) => started,
    };
    let Ok(Ok(session)) = started else {
        return;
    };
    let handle = session.handle();
    let grace = async {
        // Only somebody who never logs in is sent away.
        if tokio::time::timeout(LOGIN_GRACE, login).await.is_ok() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        ended = session => {
            if let Err(error) = ended {
                tracing::debug!(%error, "an SSH connection ended");
            }
            return;
        }
        () = grace => {}
    }
    let reason = russh::Disconnect::ByApplication;
    let _ = handle
        .disconnect(reason, "nobody logged in".to_owned(), String::new())
        .await;
}

/// Waits until the client gives up.
async fn until_gone(stream: &mut TcpStream) {
    let mut ignored = [0; 256];
    while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
}

/// One connection.
struct Connection {
    host: Arc<Host>,
    /// Where it comes from.
    from: Ipv4Addr,
    /// Who logged in.
    user: Option<User>,
    /// Told when somebody did.
    logged_in: Option<tokio::sync::oneshot::Sender<()>>,
    /// Channels on which nothing runs yet.
    channels: HashMap<ChannelId, Waiting>,
}

/// A channel before its session begins.
struct Waiting {
    channel: Channel<Msg>,
    session: Setting,
}

/// What a client asks for before it starts something.
#[derive(Debug)]
struct Setting {
    /// Where it comes from.
    from: Ipv4Addr,
    /// Variables.
    environment: Vec<(String, String)>,
    /// TERM and size, when there is to be a terminal.
    terminal: Option<(String, TerminalSize)>,
}

fn size(columns: u32, rows: u32) -> TerminalSize {
    let cells = |cells: u32, usual| match u16::try_from(cells) {
        Ok(0) | Err(_) => usual,
        Ok(cells) => cells,
    };
    TerminalSize::new(cells(rows, 24), cells(columns, 80))
}

impl Connection {
    /// Takes a channel that begins its session; `None` refuses.
    fn begin(&mut self, channel: ChannelId) -> Option<(Channel<Msg>, Setting, User)> {
        let user = self.user.clone()?;
        let waiting = self.channels.remove(&channel)?;
        Some((waiting.channel, waiting.session, user))
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(
            match authorize::login(&self.host.root(), user, offer.public_key) {
                Some(_) => Auth::Accept,
                None => Auth::reject(),
            },
        )
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.user = authorize::login(&self.host.root(), user, key.public_key);
        Ok(if self.user.is_some() {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(told) = self.logged_in.take() {
            // Whoever counted the seconds may be gone.
            let _ = told.send(());
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.channels.len() >= WAITING_MAX {
            // Dropping the reply refuses.
            return Ok(());
        }
        let id = channel.id();
        let session = Setting {
            from: self.from,
            environment: Vec::new(),
            terminal: None,
        };
        self.channels.insert(id, Waiting { channel, session });
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.remove(&channel);
        Ok(())
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.get_mut(&channel) {
            Some(waiting) if accepted(name) => {
                waiting
                    .session
                    .environment
                    .push((name.to_owned(), value.to_owned()));
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _pixel_width: u32,
        _pixel_height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match self.channels.get_mut(&channel) {
            Some(waiting) => {
                waiting.session.terminal = Some((term.to_owned(), size(columns, rows)));
                session.channel_success(channel)
            }
            None => session.channel_failure(channel),
        }
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some((stream, setting, user)) = self.begin(channel) else {
            return session.channel_failure(channel);
        };
        session.channel_success(channel)?;
        let host = Arc::clone(&self.host);
        if setting.terminal.is_some() {
            self.host.tasks.spawn(on_its_own(
                "login",
                terminal::log_in(host, user, setting, stream),
            ));
        } else {
            // A shell without a terminal reads its commands to their end.
            self.host
                .tasks
                .spawn(command::run(host, user, setting, stream, None));
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let Some((stream, setting, user)) = self.begin(channel) else {
            return session.channel_failure(channel);
        };
        session.channel_success(channel)?;
        let line = String::from_utf8_lossy(data).into_owned();
        let host = Arc::clone(&self.host);
        self.host
            .tasks
            .spawn(command::run(host, user, setting, stream, Some(line)));
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _single: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }
}
