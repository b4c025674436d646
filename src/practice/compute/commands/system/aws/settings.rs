//! Where the `aws` command takes its credentials, region and output from: variables, files, the instance's metadata.

use std::collections::BTreeMap;

use super::super::program::Call;
use crate::practice::compute::host::Seat;

/// Keys that a request is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Access key.
    pub access_key_id: String,
    /// Secret.
    pub secret_access_key: String,
    /// Of temporary ones.
    pub token: Option<String>,
    /// What they come from, as `aws configure list` names it.
    pub source: &'static str,
}

/// What the learner has set up.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    profile: String,
    named: bool,
    variables: BTreeMap<String, String>,
    config: Sections,
    credentials: Sections,
}

/// Settings by name of the section.
type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// Files, unless variables say otherwise.
const CONFIG: &str = "~/.aws/config";
const CREDENTIALS: &str = "~/.aws/credentials";

/// Path of one of the two files.
pub fn path(call: &Call<'_>, variable: &str, usual: &str) -> String {
    let path = call.env.get(variable).map_or(usual, String::as_str);
    match path.strip_prefix("~/") {
        Some(rest) => {
            let home = call.env.get("HOME").map_or("/root", String::as_str);
            format!("{home}/{rest}")
        }
        None => call.path(path),
    }
}

/// Path of the file with the regions.
pub fn config_path(call: &Call<'_>) -> String {
    path(call, "AWS_CONFIG_FILE", CONFIG)
}

/// Path of the file with the keys.
pub fn credentials_path(call: &Call<'_>) -> String {
    path(call, "AWS_SHARED_CREDENTIALS_FILE", CREDENTIALS)
}

impl Settings {
    /// As they are for this call; an error when the profile that is asked for is nowhere.
    pub fn read(seat: &Seat, call: &Call<'_>, profile: Option<&str>) -> Result<Self, String> {
        let text = |path: String| seat.view().read_text(&path).unwrap_or_default();
        let from_variables = call.env.get("AWS_PROFILE").filter(|name| !name.is_empty());
        let settings = Self {
            named: profile.is_some(),
            profile: profile
                .or(from_variables.map(String::as_str))
                .unwrap_or("default")
                .to_owned(),
            variables: call
                .env
                .iter()
                .filter(|(name, _)| name.starts_with("AWS_"))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            config: sections(&text(config_path(call)), true),
            credentials: sections(&text(credentials_path(call)), false),
        };
        let known = settings.config.contains_key(&settings.profile)
            || settings.credentials.contains_key(&settings.profile);
        if settings.profile == "default" || known {
            Ok(settings)
        } else {
            Err(format!(
                "The config profile ({}) could not be found",
                settings.profile
            ))
        }
    }

    /// A setting of the profile in the file with the regions.
    pub fn configured(&self, name: &str) -> Option<&str> {
        self.config
            .get(&self.profile)?
            .get(name)
            .map(String::as_str)
    }

    fn variable(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The region, and what it comes from.
    pub fn region(&self, seat: &Seat) -> Option<(String, &'static str)> {
        let set = |value: Option<&str>, source| value.map(|value| (value.to_owned(), source));
        set(self.variable("AWS_REGION"), "env")
            .or_else(|| set(self.variable("AWS_DEFAULT_REGION"), "env"))
            .or_else(|| set(self.configured("region"), "config-file"))
            .or_else(|| {
                let spec = &seat.host.spec;
                set(spec.metadata.enabled.then_some(&spec.region), "imds")
            })
    }

    /// How answers are shown.
    pub fn output(&self) -> Option<&str> {
        self.variable("AWS_DEFAULT_OUTPUT")
            .or_else(|| self.configured("output"))
    }

    /// Where services are said to be, instead of in AWS.
    pub fn endpoint(&self) -> Option<String> {
        let found = self.variable("AWS_ENDPOINT_URL");
        found
            .or_else(|| self.configured("endpoint_url"))
            .map(str::to_owned)
    }

    /// What either file says.
    pub fn stored(&self, name: &str) -> Option<&str> {
        let stored = self
            .credentials
            .get(&self.profile)
            .and_then(|section| section.get(name));
        stored.map(String::as_str).or_else(|| self.configured(name))
    }

    /// The keys: of variables, unless a profile is asked for; of the files; of the instance's role.
    pub fn keys(&self, seat: &Seat) -> Option<Keys> {
        let variables = (!self.named).then_some(&self.variables);
        let upper = variables.and_then(|found| {
            let part = |name: &str| found.get(name).filter(|value| !value.is_empty()).cloned();
            Some(Keys {
                access_key_id: part("AWS_ACCESS_KEY_ID")?,
                secret_access_key: part("AWS_SECRET_ACCESS_KEY")?,
                token: part("AWS_SESSION_TOKEN"),
                source: "env",
            })
        });
        let of = |sections: &Sections, source| {
            let section = sections.get(&self.profile)?;
            Some(Keys {
                access_key_id: section.get("aws_access_key_id")?.clone(),
                secret_access_key: section.get("aws_secret_access_key")?.clone(),
                token: section.get("aws_session_token").cloned(),
                source,
            })
        };
        upper
            .or_else(|| of(&self.credentials, "shared-credentials-file"))
            .or_else(|| of(&self.config, "config-file"))
            .or_else(|| of_role(seat))
    }
}

/// What the metadata service gives to everybody on the instance.
fn of_role(seat: &Seat) -> Option<Keys> {
    let host = &seat.host;
    if !host.spec.metadata.enabled {
        return None;
    }
    let profile = host.surroundings.profile(&host.spec.instance_id)?;
    let (_, given) = profile.role?;
    let given = given?;
    Some(Keys {
        access_key_id: given.access_key_id,
        secret_access_key: given.secret_access_key,
        token: Some(given.token),
        source: "iam-role",
    })
}

/// A file's sections. In the one with the regions, all but the default are called `profile NAME`.
fn sections(text: &str, prefixed: bool) -> Sections {
    let mut sections = Sections::new();
    let mut current = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            let name = name.trim();
            let profile = name.strip_prefix("profile ").map(str::trim);
            let name = match profile.filter(|_| prefixed) {
                Some(name) => Some(name),
                None if prefixed && name != "default" => None,
                None => Some(name),
            };
            current = name.map(str::to_owned);
            if let Some(name) = &current {
                sections.entry(name.clone()).or_default();
            }
            continue;
        }
        // Indented lines belong to a setting with parts, of which none matters here.
        if let (Some(name), Some((key, value))) = (&current, line.split_once('='))
            && !line.starts_with(char::is_whitespace)
        {
            let section = sections.entry(name.clone()).or_default();
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::sections;

    #[test]
    fn files_have_sections_of_settings() {
        let text = "[default]\nregion = eu-west-1\n# x\n[profile lab]\nregion=us-east-1\ns3 =\n  a = b\n[other]\nregion = x\n";
        let config = sections(text, true);
        assert_eq!(config["default"]["region"], "eu-west-1");
        assert_eq!(config["lab"]["region"], "us-east-1");
        assert!(!config["lab"].contains_key("a") && !config.contains_key("other"));
        assert!(
            sections("[lab]\naws_access_key_id = A\n", false)["lab"]
                .contains_key("aws_access_key_id")
        );
    }
}
