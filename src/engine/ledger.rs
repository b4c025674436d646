//! The ledger of stacks: whatever was asked for stays in the teardown plan until AWS itself says that it is gone.

use super::effect::Known;

/// A stack as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name, known from the intent on.
    pub name: String,
    /// StackId, once AWS has answered.
    pub id: Option<String>,
    /// How sure we are of it.
    pub life: Life,
}

/// Life of a stack, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Asked for; the answer is not known (yet, or any more).
    Asked,
    /// AWS has said that it is there.
    There,
    /// Its deletion was accepted.
    Deleting,
    /// AWS has said that it is gone.
    Gone,
    /// AWS refused to make it.
    Refused,
}

/// All stacks of a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: Vec<Entry>,
    known: Known,
}

impl Ledger {
    /// A ledger as the journal remembers it.
    #[must_use]
    pub fn recovered(entries: Vec<Entry>, known: Known) -> Self {
        Self { entries, known }
    }

    /// A create call is about to be made.
    pub fn asked(&mut self, name: &str) {
        self.entries.push(Entry {
            name: name.to_owned(),
            id: None,
            life: Life::Asked,
        });
    }

    /// AWS answered with a StackId, or a look at the account found it: whatever was believed of it before, it is there.
    /// `true` when its id was not known until now.
    pub fn there(&mut self, name: &str, id: &str) -> bool {
        if let Some(known) = self
            .entries
            .iter_mut()
            .find(|entry| entry.id.as_deref() == Some(id))
        {
            if known.life != Life::Deleting {
                known.life = Life::There;
            }
            return false;
        }
        if let Some(asked) = self.last_open(name) {
            asked.id = Some(id.to_owned());
            asked.life = Life::There;
        } else {
            self.entries.push(Entry {
                name: name.to_owned(),
                id: Some(id.to_owned()),
                life: Life::There,
            });
        }
        if !self.known.stacks.iter().any(|known| known == id) {
            self.known.stacks.push(id.to_owned());
        }
        true
    }

    /// AWS refused the create call for good.
    pub fn refused(&mut self, name: &str) {
        if let Some(entry) = self.last_open(name) {
            entry.life = Life::Refused;
        }
    }

    /// Its deletion was accepted.
    pub fn deleting(&mut self, id: &str) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.id.as_deref() == Some(id))
        {
            if entry.life != Life::Gone {
                entry.life = Life::Deleting;
            }
        }
    }

    /// Whether its deletion was accepted and has not ended.
    #[must_use]
    pub fn is_deleting(&self, id: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.id.as_deref() == Some(id) && entry.life == Life::Deleting)
    }

    /// Whether AWS has said that this stack of the lab is gone.
    #[must_use]
    pub fn is_gone(&self, id: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.id.as_deref() == Some(id) && entry.life == Life::Gone)
    }

    /// The deletion ended without success: it is still there.
    pub fn still_there(&mut self, id: &str) {
        for entry in self
            .entries
            .iter_mut()
            .filter(|entry| entry.id.as_deref() == Some(id))
        {
            if entry.life != Life::Gone {
                entry.life = Life::There;
            }
        }
    }

    /// AWS has said that there is no such stack. By name, only what never got an id is settled by it.
    pub fn gone(&mut self, name_or_id: &str) {
        for entry in &mut self.entries {
            let this = match &entry.id {
                Some(id) => id == name_or_id,
                None => entry.name == name_or_id,
            };
            if this && entry.life != Life::Refused {
                entry.life = Life::Gone;
            }
        }
    }

    /// A resource of the stack was seen; ids by which untagged things are found later are kept.
    pub fn saw_resource(&mut self, kind: &str, physical_id: &str) -> bool {
        let ids = match kind {
            "AWS::EC2::VPC" => &mut self.known.vpcs,
            "AWS::EFS::FileSystem" => &mut self.known.file_systems,
            "AWS::EC2::Volume" => &mut self.known.volumes,
            _ => return false,
        };
        if ids.iter().any(|id| id == physical_id) {
            return false;
        }
        ids.push(physical_id.to_owned());
        true
    }

    /// The account that answered; the first one that did is the lab's.
    pub fn saw_account(&mut self, account: &str) -> bool {
        let first = self.known.account.is_none();
        self.known.account.get_or_insert_with(|| account.to_owned());
        first
    }

    /// Ids for the inventory.
    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// What must still go, the newest first.
    pub fn plan(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .rev()
            .filter(|entry| !matches!(entry.life, Life::Gone | Life::Refused))
    }

    /// The stack the lab works with: the newest that may be there.
    #[must_use]
    pub fn current(&self) -> Option<&Entry> {
        self.plan().next()
    }

    fn last_open(&mut self, name: &str) -> Option<&mut Entry> {
        self.entries
            .iter_mut()
            .rev()
            .find(|entry| entry.name == name && entry.id.is_none() && entry.life == Life::Asked)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Asked,
        Answered(u8),
        Refused,
        Deleting(u8),
        StillThere(u8),
        Gone(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let id = 0u8..3;
        prop_oneof![
            Just(Step::Asked),
            id.clone().prop_map(Step::Answered),
            Just(Step::Refused),
            id.clone().prop_map(Step::Deleting),
            id.clone().prop_map(Step::StillThere),
            id.prop_map(Step::Gone),
        ]
    }

    proptest! {
        #[test]
        fn whatever_aws_answered_stays_in_the_plan_until_aws_says_it_is_gone(steps in prop::collection::vec(step(), 0..40)) {
            let mut ledger = Ledger::default();
            let mut standing = std::collections::BTreeSet::new();
            for step in steps {
                match step {
                    Step::Asked => ledger.asked("s"),
                    Step::Answered(id) => {
                        ledger.there("s", &id.to_string());
                        standing.insert(id);
                    }
                    Step::Refused => ledger.refused("s"),
                    Step::Deleting(id) => ledger.deleting(&id.to_string()),
                    Step::StillThere(id) => ledger.still_there(&id.to_string()),
                    Step::Gone(id) => {
                        ledger.gone(&id.to_string());
                        standing.remove(&id);
                    }
                }
                for id in &standing {
                    prop_assert!(ledger.plan().any(|entry| entry.id.as_deref() == Some(&id.to_string())), "{id} was lost");
                }
            }
        }

        #[test]
        fn a_call_without_an_answer_stays_in_the_plan(answers in prop::collection::vec(0u8..3, 0..5)) {
            let mut ledger = Ledger::default();
            for id in answers {
                ledger.there("other", &id.to_string());
            }
            ledger.asked("s");
            ledger.gone("other");
            prop_assert!(ledger.plan().any(|entry| entry.name == "s" && entry.life == Life::Asked));
        }
    }
}
