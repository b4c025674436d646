//! Where the account is: its number, its region, the region's zones.

use serde::{Deserialize, Serialize};

/// Account and region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Twelve digits.
    pub account_id: String,
    /// e.g. `us-east-1`.
    pub region: String,
}

/// An availability zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// `us-east-1a`.
    pub name: String,
    /// `use1-az1`.
    pub id: String,
}

impl Place {
    /// Zones by name: six in us-east-1, three elsewhere (EC2 user guide, "Regions and Zones"; regions with four are given three).
    pub fn zones(&self) -> Vec<Zone> {
        let letters = if self.region == "us-east-1" {
            "abcdef"
        } else {
            "abc"
        };
        letters
            .chars()
            .enumerate()
            .map(|(index, letter)| Zone {
                name: format!("{}{letter}", self.region),
                id: format!("{}-az{}", short(&self.region), index + 1),
            })
            .collect()
    }

    /// The zone with this name.
    pub fn zone(&self, name: &str) -> Option<Zone> {
        self.zones().into_iter().find(|zone| zone.name == name)
    }

    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "aws-cn"
        } else if self.region.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }

    /// `amazonaws.com`, or China's.
    pub fn url_suffix(&self) -> &'static str {
        if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        }
    }

    /// An ARN in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account_id
        )
    }
}

/// `use1` of `us-east-1`, `apse2` of `ap-southeast-2`.
fn short(region: &str) -> String {
    let mut parts = region.split('-');
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        for side in ["north", "south", "east", "west", "central", "gov"] {
            if part.contains(side) {
                short.push_str(&side[..1]);
            }
        }
        short.extend(part.chars().filter(char::is_ascii_digit));
    }
    short
}

/// Whether this looks like a region's name.
pub fn is_region(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    (3..=4).contains(&parts.len())
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase()))
        && parts
            .last()
            .is_some_and(|number| number.len() == 1 && number.chars().all(|c| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_names_and_ids_of_their_region() {
        let place = |region: &str| Place {
            account_id: "123456789012".into(),
            region: region.into(),
        };
        let zones = place("us-east-1").zones();
        assert_eq!(zones.len(), 6);
        assert_eq!(
            (zones[4].name.as_str(), zones[4].id.as_str()),
            ("us-east-1e", "use1-az5")
        );
        assert_eq!(place("ap-southeast-2").zones()[0].id, "apse2-az1");
        assert_eq!(place("eu-central-1").zones()[2].id, "euc1-az3");
    }

    #[test]
    fn a_region_is_told_from_other_words() {
        assert!(is_region("eu-west-1") && is_region("us-gov-west-1"));
        assert!(!is_region("localhost") && !is_region("eu-west") && !is_region("EU-WEST-1"));
    }
}
