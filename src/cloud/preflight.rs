//! What must be known before anything is built: who we are, which zones, which machine type, which image.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Filter, LocationType};

use super::failure::classify;
use super::machines::filter;
use super::session::Cloud;
use crate::engine::event::{Failure, FailureClass, Ground};

/// Where AWS publishes the newest Amazon Linux 2023 image; resolved once, since an SSM-typed template parameter would be
/// read again at every update and a new image would replace both instances.
const IMAGE_PARAMETER: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-";

impl Cloud {
    /// Who these credentials are: the account, twelve digits.
    pub async fn account(&self) -> Result<String, Failure> {
        let tried = "ask who we are";
        let identity = self
            .sts
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| classify(tried, &error))?;
        identity
            .account
            .ok_or_else(|| refused(tried, "the answer names no account"))
    }

    /// Everything the template's parameters need; `ssh_cidr` is passed through.
    pub async fn prepare(&self, ssh_cidr: String) -> Result<Ground, Failure> {
        let (account, (instance_type, architecture)) =
            tokio::try_join!(self.account(), self.instance_type())?;
        let (zones, image) =
            tokio::try_join!(self.zones(&instance_type), self.image(&architecture))?;
        Ok(Ground {
            account,
            zones,
            instance_type,
            image,
            ssh_cidr,
        })
    }

    /// A free-tier-eligible type and its architecture; the smallest `t3` first, since it is the one the lab is written for.
    async fn instance_type(&self) -> Result<(String, String), Failure> {
        let tried = "choose an instance type";
        let mut found = BTreeMap::new();
        let mut pages = self
            .ec2
            .describe_instance_types()
            .filters(filter("free-tier-eligible", "true"))
            .into_paginator()
            .items()
            .send();
        while let Some(info) = pages.next().await {
            let info = info.map_err(|error| classify(tried, &error))?;
            let (Some(name), Some(processor)) = (info.instance_type(), info.processor_info())
            else {
                continue;
            };
            let architecture = processor
                .supported_architectures()
                .iter()
                .map(aws_sdk_ec2::types::ArchitectureType::as_str)
                .find(|name| matches!(*name, "x86_64" | "arm64"));
            if let Some(architecture) = architecture {
                found.insert(name.as_str().to_owned(), architecture.to_owned());
            }
        }
        ["t3.micro", "t4g.micro", "t2.micro", "t3.small", "t4g.small"]
            .iter()
            .find_map(|wanted| found.remove_entry(*wanted))
            .or_else(|| found.pop_first())
            .ok_or_else(|| refused(tried, "this region offers no free-tier-eligible type"))
    }

    /// Two zones that are available to this account and offer the type.
    async fn zones(&self, instance_type: &str) -> Result<[String; 2], Failure> {
        let tried = "choose two availability zones";
        let mut offered = BTreeSet::new();
        let mut pages = self
            .ec2
            .describe_instance_type_offerings()
            .location_type(LocationType::AvailabilityZone)
            .filters(filter("instance-type", instance_type))
            .into_paginator()
            .items()
            .send();
        while let Some(offering) = pages.next().await {
            let offering = offering.map_err(|error| classify(tried, &error))?;
            offered.extend(offering.location().map(str::to_owned));
        }
        let zones = self
            .ec2
            .describe_availability_zones()
            .filters(filter("zone-type", "availability-zone"))
            .filters(
                Filter::builder()
                    .name("opt-in-status")
                    .values("opt-in-not-required")
                    .values("opted-in")
                    .build(),
            )
            .send()
            .await
            .map_err(|error| classify(tried, &error))?;
        let mut available = zones
            .availability_zones()
            .iter()
            .filter(|zone| {
                zone.state()
                    .is_some_and(|state| state.as_str() == "available")
            })
            .filter_map(|zone| zone.zone_name().map(str::to_owned))
            .filter(|zone| offered.contains(zone))
            .collect::<BTreeSet<_>>()
            .into_iter();
        match (available.next(), available.next()) {
            (Some(a), Some(b)) => Ok([a, b]),
            _ => Err(refused(
                tried,
                &format!(
                    "fewer than two zones of {} offer {instance_type}",
                    self.region
                ),
            )),
        }
    }

    /// The newest Amazon Linux 2023 for this architecture.
    async fn image(&self, architecture: &str) -> Result<String, Failure> {
        let tried = "find the Amazon Linux 2023 image";
        let answer = self
            .ssm
            .get_parameter()
            .name(format!("{IMAGE_PARAMETER}{architecture}"))
            .send()
            .await
            .map_err(|error| classify(tried, &error))?;
        answer
            .parameter
            .and_then(|parameter| parameter.value)
            .ok_or_else(|| refused(tried, "the public parameter is empty"))
    }
}

/// A failure that trying again does not mend.
fn refused(tried: &str, why: &str) -> Failure {
    Failure {
        tried: tried.to_owned(),
        why: why.to_owned(),
        class: FailureClass::Refused,
    }
}
