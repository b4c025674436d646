//! Names that Amazon Linux gives to calls of its commands: the aliases of its interactive shells. A terminal of the shell
//! begins without aliases, so they are commands here.

use bashkit::{BashBuilder, Builtin, BuiltinContext, ExecResult, ExecutionPlan, SubCommand};

/// Registers them, for a shell at which somebody types.
pub fn register(builder: BashBuilder) -> BashBuilder {
    builder.builtin("ll", Box::new(Shorthand(&["-l", "--color=auto"])))
}

/// `ls` with these options first.
struct Shorthand(&'static [&'static str]);

#[bashkit::async_trait]
impl Builtin for Shorthand {
    async fn execute(&self, _ctx: BuiltinContext<'_>) -> bashkit::Result<ExecResult> {
        // Not asked: there is always a plan.
        Ok(ExecResult::default())
    }

    async fn execution_plan(
        &self,
        ctx: &BuiltinContext<'_>,
    ) -> bashkit::Result<Option<ExecutionPlan>> {
        let options = self.0.iter().map(|option| (*option).to_owned());
        let ls = SubCommand {
            name: "ls".to_owned(),
            args: options.chain(ctx.args.iter().cloned()).collect(),
            stdin: None,
            assignments: Vec::new(),
        };
        Ok(Some(ExecutionPlan::Batch { commands: vec![ls] }))
    }
}
