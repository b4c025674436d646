//! `AWS::StepFunctions::StateMachine` and `AWS::Scheduler::Schedule`.

use serde_json::{Map, Value};

use super::security::generated_name;
use super::{Progress, ResourceType, at_once, gone_at_once, gone_is_deleted, id, invalid};
use crate::practice::cfn::schema::{Kind, Properties, TAGS, optional, required};
use crate::practice::error::AwsError;
use crate::practice::world::schedules::Definition;

pub static STATE_MACHINE: ResourceType = ResourceType {
    name: "AWS::StepFunctions::StateMachine",
    properties: &[
        optional("Definition", Kind::Document).uninterrupted(),
        optional("DefinitionS3Location", Kind::Unsupported),
        optional("DefinitionString", Kind::Text).uninterrupted(),
        optional("DefinitionSubstitutions", Kind::Document).uninterrupted(),
        optional("EncryptionConfiguration", Kind::Unsupported),
        optional("LoggingConfiguration", Kind::Unsupported),
        required("RoleArn", Kind::Text).uninterrupted(),
        optional("StateMachineName", Kind::Text).replaces().naming(),
        optional("StateMachineType", Kind::OneOf(&["STANDARD"])).replaces(),
        optional("Tags", TAGS).uninterrupted(),
        optional("TracingConfiguration", Kind::Unsupported),
    ],
    attributes: &["Arn", "Name"],
    create: |world, request| {
        let properties = request.properties;
        let name = properties.text("StateMachineName");
        let name = name.unwrap_or_else(|| generated_name(world, request));
        world.create_state_machine(
            &name,
            machine(properties)?,
            &properties.needed("RoleArn"),
            request.tags.clone(),
        )
    },
    settled: at_once,
    attribute: |world, resource, name| {
        let machine = world.state_machines.get(id(resource))?;
        Some(match name {
            "Arn" => machine.arn.clone().into(),
            "Name" => machine.name.clone().into(),
            _ => return None,
        })
    },
    update: Some(|world, change| {
        let role = change.after.needed("RoleArn");
        world.change_state_machine(id(change.resource), machine(change.after)?, &role)?;
        Ok(Progress::Done)
    }),
    tags: Some(|world, id| Some(&mut world.state_machines.get_mut(id)?.tags)),
    delete: |world, resource| {
        world.delete_state_machine(id(resource));
        Ok(())
    },
    gone: |world, resource| !world.state_machines.contains(id(resource)),
};

/// The definition, with what is put in for its `${names}`.
fn machine(properties: Properties<'_>) -> Result<String, AwsError> {
    let given = ["DefinitionString", "Definition"].into_iter();
    let mut given = given.filter_map(|name| properties.document(name));
    let (Some(mut text), None) = (given.next(), given.next()) else {
        return Err(invalid(
            "exactly one of Definition and DefinitionString must be given",
        ));
    };
    for (name, value) in properties.object("DefinitionSubstitutions").texts_by_name() {
        text = text.replace(&format!("${{{name}}}"), &value);
    }
    Ok(text)
}

pub static SCHEDULE: ResourceType = ResourceType {
    name: "AWS::Scheduler::Schedule",
    properties: &[
        optional("Description", Kind::Text).uninterrupted(),
        optional("EndDate", Kind::Text).uninterrupted(),
        required(
            "FlexibleTimeWindow",
            Kind::Object(&[
                optional("MaximumWindowInMinutes", Kind::Unsupported),
                required("Mode", Kind::OneOf(&["OFF"])),
            ]),
        )
        .uninterrupted(),
        optional("GroupName", Kind::OneOf(&["default"])).uninterrupted(),
        optional("KmsKeyArn", Kind::Unsupported),
        optional("Name", Kind::Text).replaces().naming(),
        required("ScheduleExpression", Kind::Text).uninterrupted(),
        optional("ScheduleExpressionTimezone", Kind::Text).uninterrupted(),
        optional("StartDate", Kind::Text).uninterrupted(),
        optional("State", Kind::OneOf(&["ENABLED", "DISABLED"])).uninterrupted(),
        required(
            "Target",
            Kind::Object(&[
                required("Arn", Kind::Text),
                optional("Input", Kind::Text),
                required("RoleArn", Kind::Text),
            ]),
        )
        .uninterrupted(),
    ],
    attributes: &["Arn"],
    create: |world, request| {
        let name = request.properties.text("Name");
        let name = name.unwrap_or_else(|| generated_name(world, request));
        world.create_schedule(&name, schedule(request.properties)?)?;
        Ok(name)
    },
    settled: at_once,
    attribute: |world, resource, _| {
        let schedule = world.schedules.get(id(resource))?;
        Some(schedule.arn(world).into())
    },
    update: Some(|world, change| {
        world.update_schedule(id(change.resource), schedule(change.after)?)?;
        Ok(Progress::Done)
    }),
    tags: None,
    delete: |world, resource| gone_is_deleted(world.delete_schedule(id(resource))),
    gone: gone_at_once,
};

fn schedule(properties: Properties<'_>) -> Result<Definition, AwsError> {
    let mut members = Map::new();
    for name in SCHEDULE.properties.iter().map(|property| property.name) {
        if let Some(value) = properties.get(name) {
            members.insert(name.to_owned(), Value::clone(value));
        }
    }
    Definition::read(members)
}
