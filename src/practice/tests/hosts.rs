//! Hosts that play a few words instead of a shell: `sleep N`, `nfs`, `signal`, `fail`, `put`, `poweroff`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::super::clock::Clock;
use super::super::compute::{Disk, HostSpec, Reach, ResourceSignal, Surroundings};
use super::super::hosts::Hosts;
use super::super::storage::{Mode, Share};

pub struct Scripted {
    clock: Clock,
    view: Arc<dyn Surroundings>,
    ports: Mutex<BTreeMap<String, u16>>,
    forgotten: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub fn new(
        clock: Clock,
        view: Arc<dyn Surroundings>,
        forgotten: Arc<Mutex<Vec<String>>>,
    ) -> Self {
        Self {
            clock,
            view,
            ports: Mutex::default(),
            forgotten,
        }
    }

    fn power_on(&self, id: &str) {
        let mut ports = self.ports.lock().unwrap();
        let port = 40_000 + u16::try_from(ports.len()).unwrap();
        ports.insert(id.to_owned(), port);
    }
}

/// User data is lines `NAME=value`, of which `SCRIPT` says what to do.
fn value(data: &str, name: &str) -> String {
    data.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_default()
        .to_owned()
}

#[async_trait]
impl Hosts for Scripted {
    async fn launch(&self, spec: HostSpec) -> Result<(), String> {
        self.power_on(&spec.instance_id);
        let activity = self.clock.activity();
        let view = Arc::clone(&self.view);
        tokio::spawn(async move {
            let data = String::from_utf8(spec.user_data).unwrap();
            let id = spec.instance_id.as_str();
            for word in value(&data, "SCRIPT").split(';').map(str::trim) {
                match word.split_once(' ').unwrap_or((word, "")) {
                    ("sleep", seconds) => {
                        let seconds = seconds.parse().unwrap();
                        activity.sleep(Duration::from_secs(seconds)).await;
                    }
                    ("nfs", _) => {
                        let address = view.resolve(id, &value(&data, "SHARE")).unwrap();
                        assert!(matches!(view.reach(id, address, 2049), Reach::Nfs { .. }));
                    }
                    (verb @ ("signal" | "fail"), _) => {
                        let signal = ResourceSignal {
                            stack: value(&data, "STACK"),
                            resource: value(&data, "RESOURCE"),
                            unique_id: id.to_owned(),
                            success: verb == "signal",
                            reason: "said so".into(),
                        };
                        // Whoever is cancelled meanwhile is not heard.
                        let _ = view.signal(id, signal).await;
                    }
                    ("put", _) => {
                        let side = value(&data, "RESOURCE");
                        let body = format!(
                            r#"{{"Status":"SUCCESS","UniqueId":"{side}","Data":"key of {side}","Reason":"up"}}"#
                        );
                        let url = value(&data, "URL");
                        let answer = view.http(id, "PUT", &url, body.into()).await;
                        assert_eq!(answer, Ok((200, Vec::new())));
                    }
                    ("poweroff", _) => view.powered_off(id).await,
                    (other, _) => assert!(other.is_empty(), "{other}"),
                }
            }
        });
        Ok(())
    }

    async fn start(&self, instance_id: &str) -> Result<(), String> {
        self.power_on(instance_id);
        Ok(())
    }

    async fn restart(&self, instance_id: &str) -> Result<(), String> {
        self.power_on(instance_id);
        Ok(())
    }

    async fn stop(&self, instance_id: &str) {
        self.ports.lock().unwrap().remove(instance_id);
    }

    async fn terminate(&self, instance_id: &str) -> String {
        self.ports.lock().unwrap().remove(instance_id);
        format!("last words of {instance_id}\n")
    }

    fn console_output(&self, instance_id: &str) -> String {
        format!("console of {instance_id}\n")
    }

    fn ssh_port(&self, instance_id: &str) -> Option<u16> {
        self.ports.lock().unwrap().get(instance_id).copied()
    }

    fn metered_bytes(&self, _: &str) -> u64 {
        7144
    }

    fn set_throughput(&self, _: &str, _: Mode) -> Result<(), String> {
        Ok(())
    }

    fn traffic(&self, _: &str) -> Option<Share> {
        None
    }

    fn forget_files(&self, file_system_id: &str) -> Result<(), String> {
        let mut forgotten = self.forgotten.lock().unwrap();
        if forgotten.last().is_some_and(|last| last == "panic") {
            forgotten.clear();
            drop(forgotten);
            panic!("as a test wants it");
        }
        forgotten.push(file_system_id.to_owned());
        Ok(())
    }

    fn attach(&self, _: &str, _: &Disk) {}

    fn release(&self, _: &str, volume_id: &str, force: bool) -> bool {
        let busy = self.forgotten.lock().unwrap();
        force || !busy.contains(&format!("mounted {volume_id}"))
    }

    fn take_snapshot(&self, _: &str, _: &str) -> Result<u64, String> {
        Ok(1_000_000)
    }

    fn fill_volume(&self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn forget_content(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn retain(&self, _: &std::collections::BTreeSet<String>) -> Result<(), String> {
        Ok(())
    }

    fn cut_off(&self) {}

    async fn shut_down(&self) {
        self.ports.lock().unwrap().clear();
    }
}
