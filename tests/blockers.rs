//! What keeps a lab's stack from going, and is not the lab's: it is named in plain words and left, until its owner has seen to it.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{ArchitectureValues, Image};

use crate::stacks::{GROUP, Lab, PACE, journal_of};
use crate::support::{Home, Served, outcome};
use crate::sweep::Account;

const SUBNET: &str =
    "{ Type: 'AWS::EC2::Subnet', Properties: { VpcId: NETWORK, CidrBlock: 10.0.7.0/24 } }";
const ROUTES: &str = "{ Type: 'AWS::EC2::RouteTable', Properties: { VpcId: NETWORK } }";
const INSTANCE: &str = "{ Type: 'AWS::EC2::Instance', Properties: { SubnetId: SUBNET, InstanceType: t3.micro, ImageId: IMAGE } }";

#[test]
fn what_others_put_into_its_network_is_named_and_left_and_once_it_is_gone_the_lab_goes() {
    let home = Home::new();
    let served = Served::paced(&home, PACE);
    let account = Account::of(&served);
    let untouched = account.everything();
    let images = account.wait(account.ec2.describe_images().send()).unwrap();
    let fits = |one: &&Image| one.architecture() == Some(&ArchitectureValues::X8664);
    let image = images.images().iter().find(fits).unwrap();
    let image = image.image_id().unwrap().to_owned();
    let obstacles = [GROUP, SUBNET, ROUTES, INSTANCE];
    let labs: Vec<Lab<'_>> = (1..=obstacles.len())
        .map(|number| Lab {
            account: &account,
            id: format!("lab-{number:02}"),
        })
        .collect();
    for lab in &labs {
        lab.created("");
    }
    let ids: Vec<String> = labs.iter().map(|lab| lab.id.clone()).collect();
    let made: Vec<_> = labs
        .iter()
        .zip(obstacles)
        .map(|(lab, what)| {
            let what = what.replace("SUBNET", &lab.begins("SubnetA"));
            lab.obstructed(&what.replace("IMAGE", &image))
        })
        .collect();
    drop(journal_of(&home, &served, &ids));

    let before = account.everything();
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--dry-run"]));
    assert_eq!(code, 0, "{out}{err}");
    for (_, id) in &made {
        let kept = format!("others in its VPCs, to be left: {id}\n");
        assert_eq!(
            (out.matches(id).count(), out.contains(&kept)),
            (1, true),
            "{out}"
        );
    }
    assert_eq!(account.everything(), before);

    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup", "--json"]));
    assert_eq!(code, 3, "{out}{err}");
    let rows: serde_json::Value = serde_json::from_str(&out).expect("JSON and nothing else");
    for (row, (_, id)) in rows.as_array().unwrap().iter().zip(made.iter().rev()) {
        assert_eq!(row["clean"], false);
        let notes = row["receipt"]["notes"].to_string();
        assert!(
            notes.contains(&format!("{id}: in the network of this lab")),
            "{id}: {notes}"
        );
        assert!(
            notes.contains("has dependencies and cannot be deleted"),
            "{notes}"
        );
    }
    // What can go is gone: of each lab the network is left, and what is in the way.
    let left = account.everything();
    assert!(made.iter().all(|(_, id)| left.contains(id)), "{left:?}");
    let went = |id: &&String| {
        ["fs-", "vol-", "snap-"]
            .iter()
            .any(|kind| id.starts_with(kind))
    };
    let volumes = |all: &BTreeSet<String>| all.iter().filter(went).count();
    // The foreign instance has a disk of its own.
    assert_eq!(volumes(&left), volumes(&untouched) + 1, "{left:?}");

    for (lab, (stack, _)) in labs.iter().zip(&made) {
        lab.is_cleared(stack);
    }
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), untouched);
}

#[test]
fn a_stack_that_somebody_protects_is_left_and_it_is_said_why() {
    let home = Home::new();
    let served = Served::paced(&home, PACE);
    let account = Account::of(&served);
    let untouched = account.everything();
    let lab = Lab {
        account: &account,
        id: "lab-01".to_owned(),
    };
    lab.created("");
    let protect = |on: bool| {
        let protect = account.cloudformation.update_termination_protection();
        let protect = protect.stack_name(lab.stack_name());
        account
            .wait(protect.enable_termination_protection(on).send())
            .unwrap();
    };
    protect(true);
    let cleanup = ["cleanup", "lab-01", "--endpoint-url", served.url(), "--yes"];
    let (code, out, err) = outcome(&mut served.efslab(&home, &cleanup));
    assert_eq!(code, 3, "{out}{err}");
    assert!(
        out.contains("cannot be deleted while TerminationProtection is enabled"),
        "{out}"
    );
    protect(false);
    let (code, out, err) = outcome(&mut served.efslab(&home, &["cleanup"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(account.everything(), untouched);
}
