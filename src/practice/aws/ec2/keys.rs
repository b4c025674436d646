//! EC2: key pairs.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::listing::{Described, Field, one, tag_set, time};
use super::tags::specified;
use crate::practice::aws::params::Params;
use crate::practice::aws::xml::Element;
use crate::practice::error::AwsError;
use crate::practice::world::keys::KeyPair;
use crate::practice::world::{Tags, World};

impl Described for KeyPair {
    const FIELDS: &'static [Field<Self>] = &[
        ("key-pair-id", |_, pair| one(&pair.id)),
        ("key-name", |_, pair| one(&pair.name)),
        ("fingerprint", |_, pair| one(&pair.fingerprint)),
    ];

    fn key(&self) -> &str {
        &self.name
    }

    fn tags(&self) -> Tags {
        self.tags.clone()
    }

    fn find(world: &World, id: &str) -> Result<Self, AwsError> {
        world.key_pair(id).cloned()
    }

    fn all(world: &World) -> Vec<Self> {
        world.key_pairs.values().cloned().collect()
    }

    fn element(&self, _: &World, item: Element) -> Element {
        let item = item
            .text("keyPairId", &self.id)
            .text("keyName", &self.name)
            .text("keyFingerprint", &self.fingerprint)
            .text("keyType", &self.kind)
            .text("createTime", time(self.created));
        tag_set(item, &self.tags)
    }
}

/// DescribeKeyPairs, by names or by ids.
pub fn describe(world: &World, mut params: Params, response: Element) -> Result<Element, AwsError> {
    // The public halves are on the instances; nobody in scope asks for them here.
    if params.boolean("IncludePublicKey")? == Some(true) {
        return Err(params.invalid("IncludePublicKey", "true"));
    }
    let ids = params.texts("KeyPairId")?;
    if ids.is_empty() {
        return super::listing::describe::<KeyPair>(world, params, "KeyName", response, "keySet");
    }
    params.finish()?;
    let mut found = Vec::new();
    for id in ids {
        let pair = world.key_pairs.values().find(|pair| pair.id == id);
        found.push(pair.ok_or_else(|| {
            AwsError::client(
                "InvalidKeyPair.NotFound",
                format!("The key pair '{id}' does not exist"),
            )
        })?);
    }
    Ok(response.list("keySet", "item", found, |item, pair| {
        pair.element(world, item)
    }))
}

/// ImportKeyPair.
pub fn import(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let name = params.needed("KeyName")?;
    let material = params.needed("PublicKeyMaterial")?;
    let tags = specified(&mut params, "key-pair")?;
    params.finish()?;
    let key = BASE64_STANDARD.decode(material.trim()).ok();
    let key = key.and_then(|key| String::from_utf8(key).ok());
    // What is no base64 is no key either, and the world says so.
    world.import_key_pair(&name, &key.unwrap_or_default(), tags)?;
    let pair = world.key_pair(&name)?;
    let response = response
        .text("keyName", &pair.name)
        .text("keyFingerprint", &pair.fingerprint)
        .text("keyPairId", &pair.id);
    Ok(tag_set(response, &pair.tags))
}

/// DeleteKeyPair; one that does not exist counts as deleted.
pub fn delete(
    world: &mut World,
    mut params: Params,
    response: Element,
) -> Result<Element, AwsError> {
    let name = params.text("KeyName");
    let id = params.text("KeyPairId");
    let name = match (name, id) {
        (Some(name), None) => Some(name),
        (None, Some(id)) => world
            .key_pairs
            .values()
            .find(|pair| pair.id == id)
            .map(|pair| pair.name.clone()),
        (None, None) => return Err(params.missing("KeyName")),
        (Some(_), Some(_)) => {
            return Err(AwsError::client(
                "InvalidParameterCombination",
                "KeyName and KeyPairId cannot be used together",
            ));
        }
    };
    params.finish()?;
    let gone = name.and_then(|name| world.key_pairs.remove(&name));
    let id = gone.map(|pair| pair.id);
    Ok(response.text("return", true).maybe("keyPairId", id))
}
