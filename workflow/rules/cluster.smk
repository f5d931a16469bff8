# What would keep every Slurm job from coming back is said once, before the first one is sent.
from mechanics import slurm


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
