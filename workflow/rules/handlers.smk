# What is done before the first job and after the last. Snakemake has one handler of each kind: a
# second one would replace the first.
from mechanics.study import failures
from mechanics.study import slurm


def check_scheduler():
    """What would keep every Slurm job from coming back is said once, before one is sent."""
    if workflow.executor_plugin.name != "slurm":
        return
    settings = workflow.executor_settings
    partitions = slurm.partitions_of(
        workflow.dag.needrun_jobs(), settings.partition_config
    )
    problem = slurm.obstacle(settings.status_command, partitions)
    if problem:
        raise WorkflowError(problem)


def write_jobs():
    """Which job makes what from what, for the provenance.

    Snakemake has no list of it that outlives its own metadata, and a command line is too short.
    """
    own = [
        job
        for job in workflow.dag.jobs
        if str(*job.output[:1]).startswith(f"{RESULTS}/")
    ]
    jobs = list(map(described, own))
    if any(PROVENANCE in job.output for job in own):
        with atomic(Path(JOBS)) as part:
            part.write_text(
                json.dumps(sorted(jobs, key=lambda job: job["outputs"]), indent=1)
            )


def notice_cancelled_jobs():
    """The executor knows such a job by `squeue`, but not by `sacct`: see slurm.first_words."""
    if workflow.executor_plugin.name == "slurm":
        import snakemake_executor_plugin_slurm as executor

        executor.query_job_status = slurm.first_words(executor.query_job_status)


onstart:
    check_scheduler()
    notice_cancelled_jobs()
    write_jobs()


onerror:
    print(failures.summary(workflow.scheduler.failed), file=sys.stderr)
