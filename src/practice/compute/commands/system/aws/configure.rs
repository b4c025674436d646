//! `aws configure`: what is set up, and setting it up without questions.

use super::super::program::{Call, Ended};
use super::call::{CONFIGURATION, GENERAL, USAGE};
use super::settings::{Settings, config_path, credentials_path};
use crate::practice::compute::host::Seat;

/// Runs the words behind `configure`.
pub async fn run(seat: &Seat, call: &Call<'_>, words: &[String], profile: Option<&str>) -> Ended {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["list"] => list(seat, call, profile).await,
        ["get", name] => get(seat, call, name, profile).await,
        ["set", name, value] => set(seat, call, (name, value), profile).await,
        [] => {
            let what = "aws configure asks questions, which a practice instance cannot: use aws configure set NAME VALUE, or give the instance a role";
            call.fail(GENERAL, format!("\n{what}")).await
        }
        _ => {
            let what = "aws: error: argument subcommand: Invalid choice, valid choices are:\n\nlist                                     | get                                     \nset                                     ";
            call.fail(USAGE, format!("\n{}\n{what}\n", super::USAGE_TEXT))
                .await
        }
    }
}

async fn list(seat: &Seat, call: &Call<'_>, profile: Option<&str>) -> Ended {
    let settings = match Settings::read(seat, call, profile) {
        Ok(settings) => settings,
        Err(why) => return call.fail(GENERAL, format!("\n{why}")).await,
    };
    let keys = settings.keys(seat);
    let hidden = |text: &str| {
        let tail = text.len().saturating_sub(4);
        format!("{:*>16}{}", "", text.get(tail..).unwrap_or_default())
    };
    let unset = || ("<not set>".to_owned(), "None", "None");
    let key = keys
        .as_ref()
        .map_or_else(unset, |keys| (hidden(&keys.access_key_id), keys.source, ""));
    let secret = keys.as_ref().map_or_else(unset, |keys| {
        (hidden(&keys.secret_access_key), keys.source, "")
    });
    let chosen = profile.map_or_else(
        || match call.env.get("AWS_PROFILE") {
            Some(name) => (
                name.clone(),
                "env",
                "['AWS_PROFILE', 'AWS_DEFAULT_PROFILE']",
            ),
            None => unset(),
        },
        |name| (name.to_owned(), "manual", "--profile"),
    );
    let region = settings
        .region(seat)
        .map_or_else(unset, |(region, source)| {
            let place = match source {
                "env" => "['AWS_REGION', 'AWS_DEFAULT_REGION']",
                "config-file" => "~/.aws/config",
                _ => "",
            };
            (region, source, place)
        });
    call.out("      Name                    Value             Type    Location\n      ----                    -----             ----    --------\n")
        .await?;
    for (name, (value, kind, place)) in [
        ("profile", chosen),
        ("access_key", key),
        ("secret_key", secret),
        ("region", region),
    ] {
        call.out(format!("{name:>10} {value:>24} {kind:>16}    {place}\n"))
            .await?;
    }
    Ok(0)
}

async fn get(seat: &Seat, call: &Call<'_>, name: &str, profile: Option<&str>) -> Ended {
    let settings = match Settings::read(seat, call, profile) {
        Ok(settings) => settings,
        Err(why) => return call.fail(GENERAL, format!("\n{why}")).await,
    };
    match settings.stored(name) {
        Some(value) => call.done(value).await,
        None => Ok(1),
    }
}

async fn set(
    seat: &Seat,
    call: &Call<'_>,
    (name, value): (&str, &str),
    profile: Option<&str>,
) -> Ended {
    let secret = matches!(
        name,
        "aws_access_key_id" | "aws_secret_access_key" | "aws_session_token"
    );
    let path = if secret {
        credentials_path(call)
    } else {
        config_path(call)
    };
    let profile = profile
        .or(call.env.get("AWS_PROFILE").map(String::as_str))
        .unwrap_or("default");
    let section = match profile {
        name if secret || name == "default" => format!("[{name}]"),
        name => format!("[profile {name}]"),
    };
    let view = seat.view();
    let before = view.read_text(&path).unwrap_or_default();
    let text = changed(&before, &section, name, value);
    let directory = path
        .rsplit_once('/')
        .map_or("/", |(directory, _)| directory);
    let written = view
        .make_dirs(directory)
        .and_then(|()| view.write_with_mode(&path, text.as_bytes(), 0o600));
    match written {
        Ok(()) => Ok(0),
        Err(why) => call.fail(CONFIGURATION, format!("\n{path}: {why}")).await,
    }
}

/// The file with this setting: in the place of the old one, at the end of its section, or in a new section.
fn changed(before: &str, section: &str, name: &str, value: &str) -> String {
    let setting = format!("{name} = {value}");
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    let Some(start) = lines.iter().position(|line| line.trim() == section) else {
        lines.extend([section.to_owned(), setting]);
        return lines.join("\n") + "\n";
    };
    let behind = lines.iter().skip(start + 1);
    let end = behind
        .clone()
        .position(|line| line.trim_start().starts_with('['))
        .map_or(lines.len(), |at| start + 1 + at);
    let is_it = |line: &String| {
        line.split_once('=')
            .is_some_and(|(known, _)| known.trim() == name)
    };
    match lines[start..end].iter().position(is_it) {
        Some(at) => lines[start + at] = setting,
        None => lines.insert(end, setting),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::changed;

    #[test]
    fn a_setting_takes_the_place_of_the_old_one() {
        let file = "[default]\nregion = a\noutput = json\n[profile lab]\nregion = b\n";
        assert_eq!(
            changed(file, "[profile lab]", "region", "c"),
            "[default]\nregion = a\noutput = json\n[profile lab]\nregion = c\n"
        );
        assert!(changed(file, "[default]", "x", "y").contains("output = json\nx = y\n[profile"));
        assert_eq!(
            changed("", "[default]", "region", "a"),
            "[default]\nregion = a\n"
        );
    }
}
