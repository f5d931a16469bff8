# What would keep every Slurm job from coming back is said once, before the first one is sent; and
# what failed, in a few lines, after the last.
from mechanics import failures, slurm


onstart:
    if workflow.executor_plugin.name == "slurm":
        settings = workflow.executor_settings
        problem = slurm.obstacle(
            settings.status_command,
            slurm.partitions_of(
                workflow.dag.needrun_jobs(), settings.partition_config
            ),
        )
        if problem:
            raise WorkflowError(problem)


onerror:
    print(failures.summary(Path(log).read_text()), file=sys.stderr)
