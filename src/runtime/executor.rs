//! Carries effects out: through the journal, then as tasks whose outcomes come back as events.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::account::bring;
use super::shell::{self, Ask, Begin, Ears};
use super::{Route, follow, listen};
use crate::cloud::Cloud;
use crate::cloud::changes::Proposal;
use crate::cloud::role::ServiceRole;
use crate::cloud::stack::Creation;
use crate::engine::command::TerminalOutput;
use crate::engine::effect::{Effect, GuardWish, NewStack, NewStage};
use crate::engine::event::{ChangeSet, Failure, FailureClass, Machine, TerminalNews, What};
use crate::journal::{Intent, Journal, JournalError, Journaled};
use crate::lesson::schema::Side;
use crate::ssh::keys::Files;
use crate::ssh::link::Link;
use crate::ssh::terminal::Size;
use crate::ssh::{SshError, config, masters};
use crate::template::{self, Stage};

/// How often, and how patiently, a machine's sshd is tried: it may still be starting.
const CONNECT_ATTEMPTS: u32 = 6;
const CONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How long ending waits for tasks that are in the middle of a call.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the executor works with.
pub struct Parts {
    /// Lab id.
    pub lab: String,
    /// Journal.
    pub journal: Arc<Journal>,
    /// Clients.
    pub cloud: Cloud,
    /// How the target is reached.
    pub route: Arc<dyn Route>,
    /// The lab's key, known_hosts and ssh_config.
    pub files: Files,
    /// Short private directory for control sockets.
    pub sockets: PathBuf,
}

/// Carries effects out.
pub struct Executor {
    parts: Arc<Parts>,
    ears: Ears,
    tasks: TaskTracker,
    stop: CancellationToken,
    begin: Begin,
    shells: BTreeMap<Side, mpsc::UnboundedSender<Ask>>,
    links: Links,
    /// Waits for half of the lease to pass, where time jumps.
    half_time: Option<AbortOnDropHandle<()>>,
}

/// Live connections.
type Links = Arc<Mutex<BTreeMap<Side, Arc<Link>>>>;

impl Executor {
    /// An executor that tells outcomes to `events`.
    #[must_use]
    pub fn new(
        parts: Parts,
        events: mpsc::Sender<What>,
        output: mpsc::Sender<TerminalOutput>,
    ) -> Self {
        Self {
            parts: Arc::new(parts),
            ears: Ears { events, output },
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            begin: Begin {
                size: Size {
                    rows: 24,
                    columns: 80,
                },
                mark: 0,
            },
            shells: BTreeMap::new(),
            links: Links::default(),
            half_time: None,
        }
    }

    /// Writes the effect's intent down if it changes the account, then starts it.
    ///
    /// # Errors
    /// When the journal cannot be written: then the effect is not carried out.
    pub fn execute(&mut self, effect: Effect) -> Result<(), JournalError> {
        let journaled = self
            .parts
            .journal
            .admit(&self.parts.lab, effect, Timestamp::now())?;
        self.carry_out(journaled)
    }

    fn carry_out(&mut self, journaled: Journaled<Effect>) -> Result<(), JournalError> {
        let (effect, intent) = journaled.into_parts();
        let parts = Arc::clone(&self.parts);
        let (journal, lab) = (&self.parts.journal, &self.parts.lab);
        match effect {
            Effect::SaveProgress(progress) => journal.save_progress(lab, &progress)?,
            Effect::SaveKnown(known) => journal.note_known(lab, &known)?,
            Effect::SaveFound { name, id } => journal.note_found(lab, &name, &id)?,
            Effect::SaveGone { stack } => journal.note_gone(lab, &stack)?,
            Effect::SaveReceipt(receipt) => {
                journal.save_receipt(lab, &receipt, Timestamp::now())?;
            }
            Effect::Prepare => self.tell(async move { What::Prepared(parts.prepare().await) }),
            Effect::CreateStack(wanted) => {
                self.tell(async move { What::StackRequested(parts.create(wanted, intent).await) });
            }
            Effect::DeleteStack { stack } => self.tell(async move {
                let outcome = parts.delete(&stack, intent).await;
                What::DeletionRequested { stack, outcome }
            }),
            Effect::ProposeUpdate(asked) => self.tell(async move {
                let stage = asked.stage;
                let outcome = parts.propose(asked, intent).await;
                What::UpdateProposed { stage, outcome }
            }),
            Effect::CarryOut { stack, change_set } => self.tell(async move {
                let outcome = parts.carry_out(&change_set, intent).await;
                What::UpdateAccepted { stack, outcome }
            }),
            Effect::WatchStack { stack } => {
                let every = parts.route.looks_every();
                self.start(follow::stack(
                    parts.cloud.clone(),
                    stack,
                    every,
                    self.ears.events.clone(),
                ));
            }
            Effect::FindMachines { stack, host_keys } => {
                self.tell(async move {
                    What::MachinesSeen(parts.find_machines(&stack, &host_keys).await)
                });
            }
            Effect::Look(look) => self.tell(async move { parts.look(look).await }),
            Effect::Do(deed) => {
                self.tell(async move { parts.carry_out_deed(deed, intent).await });
            }
            Effect::Forward(minutes) => self.tell(async move { parts.forward(minutes).await }),
            Effect::Bring { on, name, text } => {
                let link = self.link(on);
                self.tell(bring(on, name, text, link));
            }
            Effect::TakeInventory(known) => {
                self.tell(async move {
                    What::InventoryTaken(parts.cloud.inventory(&parts.lab, &known).await)
                });
            }
            Effect::LookAtRemains(known) => {
                self.tell(async move {
                    What::RemainsSeen(parts.cloud.remains(&parts.lab, &known).await)
                });
            }
            Effect::Terminate { instances } => self.tell(async move {
                let outcome = parts.cloud.terminate(&instances).await;
                What::Terminated { instances, outcome }
            }),
            Effect::CancelUpdate { stack } => self.tell(async move {
                let outcome = parts.cancel_update(&stack, intent).await;
                What::UpdateCancelled { stack, outcome }
            }),
            Effect::Remove(removal) => self.tell(async move {
                let outcome = parts.cloud.remove(&removal).await;
                What::Removed { removal, outcome }
            }),
            Effect::Guard(wish) => self.see_to_guard(wish, intent),
            Effect::WakeAt(at) => self.tell(async move {
                let wait = at.duration_since(Timestamp::now());
                tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
                What::Woke
            }),
            Effect::Probe { on, run } => {
                let link = self.link(on);
                self.tell(async move { probe(on, run, link).await });
            }
            Effect::Listen { on, id, run } => {
                let (link, events) = (self.link(on), self.ears.events.clone());
                self.start(listen::listen(on, id, run, link, events));
            }
            Effect::OpenTerminal(side) => self.open_terminal(side),
            Effect::CloseTerminals => self.close_terminals(),
            Effect::MarkTerminals(mark) => {
                self.begin.mark = mark;
                self.ask_all(&Ask::Mark(mark));
            }
            Effect::Input { on, bytes } => self.ask(on, Ask::Input(bytes)),
            Effect::Resize { rows, columns } => {
                self.begin.size = Size { rows, columns };
                self.ask_all(&Ask::Resize(self.begin.size));
            }
        }
        Ok(())
    }

    /// Ends every session, task and master.
    pub async fn shut_down(&mut self) {
        self.close_terminals();
        self.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(FAREWELL, self.tasks.wait()).await;
        let sockets = self.parts.sockets.clone();
        let ended = tokio::task::spawn_blocking(move || {
            masters::end_all(&sockets);
            masters::forget(&sockets);
        });
        let _ = ended.await;
    }

    fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(self.begun(task));
    }

    /// Starts a task that can be ended by itself.
    fn begun(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        })
    }

    /// What the engine wants of the guard; then, where time jumps, the half of the lease is waited for.
    fn see_to_guard(&mut self, wish: GuardWish, intent: Option<Intent>) {
        let (parts, events) = (Arc::clone(&self.parts), self.ears.events.clone());
        let before = self.half_time.take();
        let task = self.begun(async move {
            let (what, half) = parts.guard(wish, intent).await;
            // Time may go on now.
            drop(before);
            if events.send(what).await.is_ok()
                && let Some(half) = half
            {
                parts.await_half_time(half, events).await;
            }
        });
        self.half_time = Some(AbortOnDropHandle::new(task));
    }

    /// Starts a task whose outcome is an event.
    fn tell(&self, task: impl Future<Output = What> + Send + 'static) {
        let events = self.ears.events.clone();
        self.start(async move {
            // The dispatcher no longer listens when the session is over.
            let _ = events.send(task.await).await;
        });
    }

    fn link(&self, side: Side) -> Option<Arc<Link>> {
        self.links
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&side)
            .cloned()
    }

    fn ask(&self, side: Side, ask: Ask) {
        if let Some(shell) = self.shells.get(&side) {
            // A shell that has ended has told so itself.
            let _ = shell.send(ask);
        }
    }

    fn ask_all(&self, ask: &Ask) {
        for side in [Side::A, Side::B] {
            self.ask(side, ask.clone());
        }
    }

    fn open_terminal(&mut self, side: Side) {
        let (wishes, asks) = mpsc::unbounded_channel();
        self.shells.insert(side, wishes);
        let (parts, links, ears, begin) = (
            Arc::clone(&self.parts),
            Arc::clone(&self.links),
            self.ears.clone(),
            self.begin,
        );
        self.start(async move {
            match connected(&parts, &links, side).await {
                Ok(link) => shell::run(side, link, begin, asks, ears).await,
                Err(error) => {
                    let news = TerminalNews::Ended(error.to_string());
                    let _ = ears.events.send(What::Terminal { on: side, news }).await;
                }
            }
        });
    }

    fn close_terminals(&mut self) {
        self.shells.clear();
        let links = std::mem::take(&mut *self.links.lock().unwrap_or_else(PoisonError::into_inner));
        for link in links.into_values() {
            self.tasks.spawn(async move {
                if let Some(link) = Arc::into_inner(link) {
                    link.close().await;
                }
            });
        }
    }
}

impl Parts {
    async fn prepare(&self) -> Result<crate::engine::event::Ground, Failure> {
        let cidr = self.own_cidr().await?;
        self.cloud.prepare(cidr).await
    }

    async fn own_cidr(&self) -> Result<String, Failure> {
        let cidr = self.route.own_cidr().await;
        cidr.map_err(|why| passing("learn your own address", why))
    }

    async fn create(&self, wanted: NewStack, intent: Option<Intent>) -> Result<String, Failure> {
        let tried = "create the stack";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        let body =
            template::render(wanted.stage).map_err(|error| local(tried, error.to_string()))?;
        let public_key = {
            let (files, lab) = (self.files.clone(), self.lab.clone());
            tokio::task::spawn_blocking(move || files.public_key(&lab))
                .await
                .map_err(|error| local(tried, error.to_string()))?
                .map_err(|error| local(tried, error.to_string()))?
        };
        let ground = &wanted.ground;
        let mut parameters = vec![
            ("Lab", self.lab.clone()),
            ("ImageId", ground.image.clone()),
            ("InstanceType", ground.instance_type.clone()),
            ("ZoneA", ground.zones[0].clone()),
            ("ZoneB", ground.zones[1].clone()),
            ("SshCidr", ground.ssh_cidr.clone()),
            ("PublicKey", public_key),
        ];
        // A template without alarms has no such parameter.
        let email = wanted.alarm_email.filter(|_| wanted.stage >= Stage::Alarms);
        parameters.extend(email.map(alarm_email_is));
        let role = self.cloud.service_role(&self.lab).await?;
        parameters.extend(boundary_of(role.as_ref(), wanted.stage));
        let creation = Creation {
            name: &wanted.name,
            template: body,
            parameters,
            lab: &self.lab,
            makes_roles: wanted.stage.makes_roles(),
            role: role.map(|role| role.arn),
            token: Journal::token(&self.lab, intent),
        };
        let every = self.route.looks_every();
        let outcome = self.cloud.create_with_role(creation, every).await;
        let settled = match &outcome {
            Ok(id) => Some(Ok(id.clone())),
            Err(failure)
                if matches!(
                    failure.class,
                    FailureClass::Refused | FailureClass::Denied | FailureClass::Role
                ) =>
            {
                Some(Err(failure.why.clone()))
            }
            Err(_) => None,
        };
        if let Some(settled) = settled
            && let Err(error) = self.journal.settle(intent, &settled)
        {
            // What AWS answered counts; the intent stays open on disk and is settled by looking.
            tracing::error!(%error, "the answer could not be written down");
        }
        outcome
    }

    async fn delete(&self, stack: &str, intent: Option<Intent>) -> Result<(), Failure> {
        let tried = "delete the stack";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        let (token, every) = (Journal::token(&self.lab, intent), self.route.looks_every());
        self.cloud.delete_lab(&self.lab, stack, token, every).await
    }

    async fn cancel_update(&self, stack: &str, intent: Option<Intent>) -> Result<(), Failure> {
        let tried = "cancel the update of the stack";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        self.cloud
            .cancel_update(stack, Journal::token(&self.lab, intent))
            .await
    }

    async fn propose(&self, asked: NewStage, intent: Option<Intent>) -> Result<ChangeSet, Failure> {
        let tried = "ask for the change set";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        let template =
            template::render(asked.stage).map_err(|error| local(tried, error.to_string()))?;
        let role = self.cloud.service_role(&self.lab).await?;
        let email = asked.alarm_email.map(alarm_email_is);
        let boundary = boundary_of(role.as_ref(), asked.stage);
        let proposal = Proposal {
            stack: &asked.stack,
            template,
            differing: email.into_iter().chain(boundary).collect(),
            makes_roles: asked.stage.makes_roles(),
            role: role.map(|role| role.arn),
            lab: &self.lab,
            token: Journal::token(&self.lab, intent),
        };
        self.cloud
            .propose_update(proposal, self.route.looks_every())
            .await
    }

    async fn carry_out(&self, change_set: &str, intent: Option<Intent>) -> Result<(), Failure> {
        let tried = "carry the change set out";
        let Some(intent) = intent else {
            return Err(local(tried, "the intent was not written down".to_owned()));
        };
        self.cloud
            .carry_out(change_set, Journal::token(&self.lab, intent))
            .await
    }

    async fn find_machines(
        &self,
        stack: &str,
        host_keys: &str,
    ) -> Result<BTreeMap<Side, Machine>, Failure> {
        let tried = "find the way to the machines";
        let machines = self.cloud.machines(stack).await?;
        // The learner may sit somewhere else than when the stack was made.
        let cidr = self.own_cidr().await?;
        self.cloud.admit_ssh_from(stack, &cidr).await?;
        let mut doors = BTreeMap::new();
        for (side, machine) in &machines {
            if machine.address.is_none() && machine.state.starts_with("stop") {
                // There is no way to it until it is started.
                continue;
            }
            doors.insert(
                *side,
                self.route
                    .door(machine)
                    .await
                    // A machine that is just starting gets its address in a moment.
                    .map_err(|why| passing(tried, why))?,
            );
        }
        config::write(&self.files, &self.lab, &doors, host_keys)
            .map_err(|error| local(tried, error.to_string()))?;
        Ok(machines)
    }
}

/// The link to a machine: the one there is, or a new one once its sshd answers.
async fn connected(parts: &Parts, links: &Links, side: Side) -> Result<Arc<Link>, SshError> {
    let present = links
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .remove(&side);
    if let Some(link) = present
        && link.is_up().await
    {
        links
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(side, Arc::clone(&link));
        return Ok(link);
    }
    let mut attempt = 0;
    loop {
        attempt += 1;
        match Link::open(&parts.files, &parts.sockets, side).await {
            Ok(link) => {
                let link = Arc::new(link);
                links
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(side, Arc::clone(&link));
                return Ok(link);
            }
            Err(error @ SshError::NoClient(_)) => return Err(error),
            Err(error) if attempt >= CONNECT_ATTEMPTS => return Err(error),
            Err(_) => tokio::time::sleep(CONNECT_PAUSE * 2_u32.pow(attempt)).await,
        }
    }
}

/// The template's parameter of who is mailed.
fn alarm_email_is(address: String) -> (&'static str, String) {
    ("AlarmEmail", address)
}

/// The template's parameter of how far its roles reach, where it makes any.
fn boundary_of(role: Option<&ServiceRole>, stage: Stage) -> Option<(&'static str, String)> {
    let role = role.filter(|_| stage.makes_roles())?;
    Some(("RoleBoundary", role.boundary.clone()))
}

async fn probe(on: Side, run: String, link: Option<Arc<Link>>) -> What {
    let tried = format!("ask {on}");
    let outcome = match link {
        Some(link) => link
            .run(&run)
            .await
            .map_err(|error| local(&tried, error.to_string())),
        None => Err(local(&tried, "there is no connection".to_owned())),
    };
    What::Probed { on, run, outcome }
}

pub(super) fn passing(tried: &str, why: String) -> Failure {
    Failure {
        class: FailureClass::Transient,
        ..local(tried, why)
    }
}

pub(super) fn local(tried: &str, why: String) -> Failure {
    Failure {
        tried: tried.to_owned(),
        why,
        class: FailureClass::Local,
    }
}
