//! What the account asks of the hosts behind its instances. How a host works does not enter here.

use async_trait::async_trait;

use super::compute::{Fleet, HostSpec};

/// The hosts of the account.
#[async_trait]
pub trait Hosts: Send + Sync + 'static {
    /// Powers a host on for the first time.
    async fn launch(&self, spec: HostSpec) -> Result<(), String>;
    /// Powers a known host on again.
    async fn start(&self, instance_id: &str) -> Result<(), String>;
    /// Powers a host off.
    async fn stop(&self, instance_id: &str);
    /// Ends a host and forgets its disk.
    async fn terminate(&self, instance_id: &str);
    /// What its serial console has shown.
    fn console_output(&self, instance_id: &str) -> String;
    /// The loopback port of its SSH server, while it runs.
    fn ssh_port(&self, instance_id: &str) -> Option<u16>;
    /// Ends all hosts, losing nothing.
    async fn shut_down(&self);
}

#[async_trait]
impl Hosts for Fleet {
    async fn launch(&self, spec: HostSpec) -> Result<(), String> {
        Self::launch(self, spec).await
    }

    async fn start(&self, instance_id: &str) -> Result<(), String> {
        Self::start(self, instance_id).await
    }

    async fn stop(&self, instance_id: &str) {
        Self::stop(self, instance_id).await;
    }

    async fn terminate(&self, instance_id: &str) {
        Self::terminate(self, instance_id).await;
    }

    fn console_output(&self, instance_id: &str) -> String {
        Self::console_output(self, instance_id)
    }

    fn ssh_port(&self, instance_id: &str) -> Option<u16> {
        Self::ssh_port(self, instance_id)
    }

    async fn shut_down(&self) {
        Self::shut_down(self).await;
    }
}
