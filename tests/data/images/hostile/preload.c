/* Says in which process it was loaded: on stderr, which a test reads. */
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void loaded(void)
{
    dprintf(2, "HOSTILE preload in pid %d uid %d\n", (int)getpid(), (int)geteuid());
}
