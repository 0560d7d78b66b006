# What a run does at its start and at its end.
from syncohort.checksums import Checksums
from syncohort.failed_jobs import say_why_groups_fail
from syncohort.killed_runs import Runs

say_why_groups_fail()

RUNS = Runs(".snakemake", FOLDER)
if workflow.is_main_process:
    RUNS.mark_doubtful()
    if not RUNS.others_run():
        Checksums(Path(FOLDER)).put_dates_in_order()


def make_private():
    """Let nobody but the user open the folder of the cohort, unless the configuration says so."""
    try:
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)
        if STUDY.compute.private_results and os.stat(FOLDER).st_uid == os.getuid():
            os.chmod(FOLDER, 0o700)
        if not os.access(FOLDER, os.W_OK | os.X_OK):
            raise PermissionError(0, "no right to write there")
    except OSError as problem:
        raise WorkflowError(
            f"{FOLDER}: cannot be written: {problem.strerror}. Make it writable, or run where "
            "it is."
        ) from None


def begin_run():
    """Note that this run begins, unless it cannot go well."""
    from syncohort.slurm import forgets_too_soon

    command = getattr(workflow.executor_settings, "status_command", None)
    problem = forgets_too_soon(command) if command else ""
    if problem:
        raise WorkflowError(problem)
    try:
        RUNS.begin(RUN)
    except InputError as problem:
        raise WorkflowError(str(problem)) from None


def start_jobs_at_once():
    """Lift Snakemake's limit of jobs a second from a run on this machine.

    With a limit, each look for jobs plans another look a second later, so that after some hundred
    jobs there are hundreds a second, which took a fifth of a processor.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


def end_run():
    """Note that this run has come to its end, and say which jobs did not use the GPU they had."""
    from syncohort.failed_jobs import on_processors

    RUNS.end(RUN)
    if told := on_processors(f"{FOLDER}/logs"):
        print(told, file=sys.stderr)


def say_what_failed(run_logs):
    """Say of each job that failed in this run why, once, and which file to read.

    run_logs: Snakemake's own logs of the run.
    """
    from syncohort.failed_jobs import failures

    told = failures(f"{FOLDER}/logs", run_logs=run_logs)
    if told:
        print(f"\nJobs that failed:\n\n{told}\n", file=sys.stderr)


def withdraw_release():
    """Take out of the release, before any job, what this configuration does not release."""
    from syncohort.synthesis.released import withdraw

    own = [file.replace("<results>", FOLDER) for file in RELEASE]
    withdraw(f"{FOLDER}/release", own, f"{FOLDER}/withdrawn")


def require_inputs_at_rest():
    """Fail a run during which the user's files changed, for its results may be of both contents."""
    changed = CONTENTS.changed()
    if changed:
        raise WorkflowError(
            f"{examples(changed)}: changed during the run, so that results may be of both "
            "contents. Run again: what reads them is made anew."
        )
