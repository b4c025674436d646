//! The SSH server of a host: a loopback listener, logins by public key, one session per channel. What a session runs
//! comes from the host; forwarding, agents, X11 and sftp are refused.

mod authorize;
mod command;
mod stdin;
mod terminal;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bashkit::terminal::TerminalSize;
use russh::keys::PrivateKey;
use russh::server::{
    self, Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty, SshId};
use tokio::net::{TcpListener, TcpStream};

use super::compute::HOST_KEY;
use super::compute::host::Host;
use super::compute::users::User;

/// Unanswered logins end after this, `LoginGraceTime` of OpenSSH.
const LOGIN_GRACE: Duration = Duration::from_mins(2);
/// Channels of one connection on which nothing runs yet, `MaxSessions` of OpenSSH.
const WAITING_MAX: usize = 10;

/// What a session may set in its environment, as `AcceptEnv` of Amazon Linux lists it.
fn accepted(name: &str) -> bool {
    matches!(name, "LANG" | "LANGUAGE" | "XMODIFIERS") || name.starts_with("LC_")
}

/// Starts serving a host on 127.0.0.1, on the port it had the last time if that is free; answers with the port. It ends
/// with the host's power.
pub async fn start(host: Arc<Host>, last: Option<u16>) -> io::Result<u16> {
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
    let listener = match last {
        Some(port) => match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
        },
        None => TcpListener::bind(("127.0.0.1", 0)).await?,
    };
    let port = listener.local_addr()?.port();
    let tasks = host.tasks.clone();
    tasks.spawn(accept(host, config, listener));
    Ok(port)
}

async fn accept(host: Arc<Host>, config: Arc<Config>, listener: TcpListener) {
    loop {
        let stream = tokio::select! {
            () = host.power.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of files, or the client is gone already: the next one may have more luck.
                    tracing::debug!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        host.tasks
            .spawn(serve(Arc::clone(&host), Arc::clone(&config), stream));
    }
}

async fn serve(host: Arc<Host>, config: Arc<Config>, stream: TcpStream) {
    let power = host.power.clone();
    // Nagle's delay would show as lag while typing.
    let _ = stream.set_nodelay(true);
    let (logged_in, login) = tokio::sync::oneshot::channel();
    let connection = Connection {
        host,
        user: None,
        logged_in: Some(logged_in),
        channels: HashMap::new(),
    };
    let started = tokio::select! {
        () = power.cancelled() => return,
        started = tokio::time::timeout(LOGIN_GRACE, server::run_stream(config, stream, connection)) => started,
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
        () = power.cancelled() => {}
        () = grace => {}
    }
    let reason = russh::Disconnect::ByApplication;
    let _ = handle
        .disconnect(reason, "the host goes down".to_owned(), String::new())
        .await;
}

/// One connection.
struct Connection {
    host: Arc<Host>,
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
#[derive(Debug, Default)]
struct Setting {
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
        let session = Setting::default();
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
            self.host
                .tasks
                .spawn(terminal::log_in(host, user, setting, stream));
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
