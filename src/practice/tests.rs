//! The account as its clients meet it: driven with the real AWS SDK over HTTP, at pace `max`.
//!
//! Hosts are played by a script (`hosts`), so that what is tested here is the account and not bash.
#![allow(clippy::too_many_lines, reason = "a story is told in one piece")]

mod cleanup;
mod control;
mod describe;
mod faults;
mod guard;
mod guest;
mod hosts;
mod lab;
mod machines;
mod monitoring;
mod refusals;
mod requests;
mod restart;
mod roles;
mod service_role;
mod throughput;
mod updates;
mod volumes;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_sdk_cloudformation as cloudformation;
use aws_sdk_cloudformation::types::Parameter;
use aws_sdk_ec2 as ec2;
use aws_sdk_efs as efs;

use super::clock::Pace;
use super::world::World;
use super::{Options, PracticeError, Running, serve};

/// A stack of the lab's shape.
const LAB: &str = include_str!("tests/lab.yaml");

/// An account being served, and its directory.
struct Bench {
    running: Running,
    dir: tempfile::TempDir,
    forgotten: Forgotten,
}

/// Filesystems whose files were forgotten.
type Forgotten = Arc<Mutex<Vec<String>>>;

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let forgotten = Forgotten::default();
        let running = open(dir.path(), &forgotten).await.unwrap();
        Self {
            running,
            dir,
            forgotten,
        }
    }

    /// Stops as if killed, and serves the same account again.
    async fn kill_and_restart(self) -> Self {
        let Self {
            running,
            dir,
            forgotten,
        } = self;
        kill(running, dir.path()).await;
        let running = open(dir.path(), &forgotten).await.unwrap();
        Self {
            running,
            dir,
            forgotten,
        }
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            &self.running.access_key_id,
            &self.running.secret_access_key,
            None,
            None,
            "practice",
        )
    }

    fn cloudformation(&self) -> cloudformation::Client {
        cloudformation::Client::from_conf(
            cloudformation::Config::builder()
                .behavior_version(cloudformation::config::BehaviorVersion::latest())
                .endpoint_url(&self.running.endpoint_url)
                .region(cloudformation::config::Region::new(
                    self.running.region.clone(),
                ))
                .credentials_provider(self.credentials())
                .build(),
        )
    }

    fn ec2(&self) -> ec2::Client {
        ec2::Client::from_conf(
            ec2::Config::builder()
                .behavior_version(ec2::config::BehaviorVersion::latest())
                .endpoint_url(&self.running.endpoint_url)
                .region(ec2::config::Region::new(self.running.region.clone()))
                .credentials_provider(self.credentials())
                .build(),
        )
    }

    fn efs(&self) -> efs::Client {
        efs::Client::from_conf(
            efs::Config::builder()
                .behavior_version(efs::config::BehaviorVersion::latest())
                .endpoint_url(&self.running.endpoint_url)
                .region(efs::config::Region::new(self.running.region.clone()))
                .credentials_provider(self.credentials())
                .build(),
        )
    }

    /// Creates a stack and answers with its ARN.
    async fn create(&self, name: &str, template: &str, parameters: &[(&str, &str)]) -> String {
        self.cloudformation()
            .create_stack()
            .stack_name(name)
            .template_body(template)
            .set_parameters(Some(parameters.iter().map(parameter).collect()))
            .client_request_token("create")
            .send()
            .await
            .unwrap()
            .stack_id
            .unwrap()
    }

    /// Waits until no operation of the stack runs, and answers with its state.
    async fn settled(&self, stack: &str) -> String {
        let client = self.cloudformation();
        loop {
            let described = client
                .describe_stacks()
                .stack_name(stack)
                .send()
                .await
                .unwrap();
            let stack = &described.stacks()[0];
            let status = stack.stack_status().unwrap().as_str().to_owned();
            if !status.ends_with("IN_PROGRESS") {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Events of a stack, oldest first: resource, state, reason.
    async fn events(&self, stack: &str) -> Vec<(String, String, String)> {
        let mut pages = self
            .cloudformation()
            .describe_stack_events()
            .stack_name(stack)
            .into_paginator()
            .items()
            .send();
        let mut events = Vec::new();
        while let Some(event) = pages.next().await {
            let event = event.unwrap();
            events.push((
                event.logical_resource_id().unwrap_or_default().to_owned(),
                event.resource_status().unwrap().as_str().to_owned(),
                event
                    .resource_status_reason()
                    .unwrap_or_default()
                    .to_owned(),
            ));
        }
        events.reverse();
        events
    }
}

fn parameter((key, value): &(&str, &str)) -> Parameter {
    Parameter::builder()
        .parameter_key(*key)
        .parameter_value(*value)
        .build()
}

async fn open(dir: &Path, forgotten: &Forgotten) -> Result<Running, PracticeError> {
    let options = Options {
        data_dir: dir.to_owned(),
        port: None,
        pace: Pace::Max,
        region: None,
        seed: None,
        faults: Arc::default(),
    };
    serve(options, |clock, _, view| {
        Ok(Box::new(hosts::Scripted::new(
            clock,
            view,
            Arc::clone(forgotten),
        )))
    })
    .await
}

/// Drops everything at once and waits until the data is free again.
async fn kill(running: Running, dir: &Path) {
    drop(running);
    let lock = std::fs::File::open(dir.join("lock")).unwrap();
    while lock.try_lock().is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    // Closing it would not do while a child that another test starts has a copy of it.
    lock.unlock().unwrap();
}

/// Parameters of [`LAB`], with what its instances do once they run.
fn lab_parameters<'a>(a: &'a str, b: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Lab", "lab-7f3k"),
        ("ImageId", "ami-0ef51ab2023000001"),
        ("ZoneA", "us-east-1a"),
        ("ZoneB", "us-east-1b"),
        ("SshCidr", "198.51.100.7/32"),
        ("PublicKey", KEY),
        ("ScriptA", a),
        ("ScriptB", b),
    ]
}

/// An Ed25519 public key made for these tests.
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3dIeudNqd0DPMRD6OIh65tjkxFNOtwGcWB2gCgPhk test";

/// What both instances of the lab do when all is well.
const GOOD: &str = "sleep 20; nfs; signal; put";
