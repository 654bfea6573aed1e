/* nightlab-exec: the last step between the supervisor and a program that it does not trust.
 *
 *   nightlab-exec [--die-with-parent] UID GID UMASK CWD PROGRAM ARGV0 [ARG...]
 *       Becomes UID:GID without supplementary groups and runs PROGRAM (absolute) with the environment as it is.
 *       UMASK is octal. With --die-with-parent the kernel kills the program when its parent ends.
 *   nightlab-exec --kill-uid UID SIGNAL
 *       Sends SIGNAL (a number) to every process that UID may signal; UID must not be 0. None left is success.
 *   nightlab-exec --clean-env [NAME=VALUE...] -- PROGRAM ARGV0 [ARG...]
 *       Runs PROGRAM with exactly this environment, signals and descriptors as they are: the container's entrypoint.
 *       It is static, so nothing in an image's ENV can load code into it.
 *
 * A program is spawned from it rather than from Python's own setuid code so that the supervisor keeps vfork's speed.
 * Every failure writes one line "nightlab-exec: STEP: REASON" to descriptor 2. Exit status 127: the program is not
 * there; 126: anything else that kept it from running; 2: wrong usage.
 *
 * Needs of the supervisor: CAP_SETUID and CAP_SETGID, no other capability, and no /proc (oom_score_adj is best effort).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127 };

extern char **environ;

static _Noreturn void die(int status, const char *step, const char *reason) {
    char line[512];
    int length = snprintf(line, sizeof line, "nightlab-exec: %s: %s\n", step, reason);
    if (length >= (int)sizeof line) {
        length = sizeof line - 1;
        line[length - 1] = '\n';
    }
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        /* descriptor 2 is gone; the status still tells */
    }
    _exit(status);
}

static _Noreturn void usage(void) {
    die(EXIT_USAGE, "usage",
        "[--die-with-parent] UID GID UMASK CWD PROGRAM ARGV0 [ARG...] | --kill-uid UID SIGNAL | "
        "--clean-env [NAME=VALUE...] -- PROGRAM ARGV0 [ARG...]");
}

static void check(int result, const char *step) {
    if (result != 0) die(EXIT_CANNOT, step, strerror(errno));
}

/* (uid_t)-1 means "unchanged" to the kernel, so it is no id. */
static unsigned long number(const char *text, int base, unsigned long limit, const char *what) {
    char *end = NULL;
    errno = 0;
    unsigned long value = text[0] >= '0' && text[0] <= '9' ? strtoul(text, &end, base) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || value > limit) die(EXIT_USAGE, what, "not a number in range");
    return value;
}

static void raise_oom_score(void) {
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (write(fd, "1000", 4) < 0) {
        /* best effort: the score only decides who dies first */
    }
    close(fd);
}

static void reset_signals(void) {
    struct sigaction fallback = {.sa_handler = SIG_DFL};
    for (int number = 1; number < _NSIG; number++) {
        sigaction(number, &fallback, NULL); /* EINVAL for KILL, STOP and the C library's own */
    }
    sigset_t none;
    sigemptyset(&none);
    check(sigprocmask(SIG_SETMASK, &none, NULL), "sigprocmask");
}

static void close_inherited(void) {
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0) return;
    struct rlimit files; /* a kernel before 5.9, or a seccomp profile that does not know the call */
    check(getrlimit(RLIMIT_NOFILE, &files), "getrlimit");
    int limit = files.rlim_cur > 1048576 ? 1048576 : (int)files.rlim_cur;
    for (int fd = 3; fd < limit; fd++) close(fd);
}

static void drop_to(uid_t uid, gid_t gid) {
    check(setgroups(0, NULL), "setgroups");
    check(setresgid(gid, gid, gid), "setresgid");
    check(setresuid(uid, uid, uid), "setresuid");
    if (uid != 0) { /* leaving uid 0 cleared the capabilities; ambient ones would survive */
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    }
    check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

/* After the change of uid, which clears the setting. A parent that ended meanwhile will send no signal. */
static void die_with(pid_t parent) {
    check(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "pdeathsig");
    if (getppid() != parent) die(EXIT_CANNOT, "pdeathsig", "the parent has ended");
}

static _Noreturn void run(char **program) {
    if (program[0][0] != '/') die(EXIT_USAGE, "execve", "the program's path must be absolute");
    execve(program[0], program + 1, environ);
    int reason = errno;
    char step[300];
    snprintf(step, sizeof step, "execve %.280s", program[0]);
    die(reason == ENOENT || reason == ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT, step, strerror(reason));
}

static _Noreturn void kill_uid(char **args) {
    uid_t uid = (uid_t)number(args[0], 10, UINT_MAX - 1UL, "uid");
    int signal_number = (int)number(args[1], 10, _NSIG - 1, "signal");
    if (uid == 0) die(EXIT_USAGE, "uid", "0 would end every process");
    check(setresuid(uid, uid, uid), "setresuid");
    if (kill(-1, signal_number) != 0 && errno != ESRCH) die(EXIT_CANNOT, "kill", strerror(errno));
    _exit(0);
}

static _Noreturn void clean_env(char **args) {
    char **end = args;
    while (*end != NULL && strcmp(*end, "--") != 0) end++;
    if (end[0] == NULL || end[1] == NULL || end[2] == NULL) usage();
    *end = NULL;
    environ = args;
    run(end + 1);
}

static _Noreturn void run_as(char **args, int is_bound) {
    pid_t parent = getppid();
    uid_t uid = (uid_t)number(args[0], 10, UINT_MAX - 1UL, "uid");
    gid_t gid = (gid_t)number(args[1], 10, UINT_MAX - 1UL, "gid");
    mode_t mask = (mode_t)number(args[2], 8, 0777, "umask");
    struct rlimit no_core = {0, 0};
    if (setsid() < 0 && errno != EPERM) die(EXIT_CANNOT, "setsid", strerror(errno)); /* EPERM: leads one already */
    raise_oom_score();
    reset_signals();
    close_inherited();
    check(setrlimit(RLIMIT_CORE, &no_core), "rlimit_core");
    umask(mask);
    drop_to(uid, gid);
    if (is_bound) die_with(parent);
    if (chdir(args[3]) != 0) {
        char step[300];
        int reason = errno;
        snprintf(step, sizeof step, "chdir %.280s", args[3]);
        die(EXIT_CANNOT, step, strerror(reason));
    }
    run(args + 4);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--kill-uid") == 0) kill_uid(argv + 2);
    if (argc >= 5 && strcmp(argv[1], "--clean-env") == 0) clean_env(argv + 2);
    int is_bound = argc > 1 && strcmp(argv[1], "--die-with-parent") == 0;
    if (argc < 7 + is_bound) usage();
    run_as(argv + 1 + is_bound, is_bound);
}
