/* fork ADDRESS MANIFEST: runs an image before a fork, in the child, and after it. Prints how each call ended. */

#define _POSIX_C_SOURCE 200809L

#include "xnorforge.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static float image[64], scores[64];

static void infer(const char *who, xnorforge_device *device)
{
    xnorforge_status status = xnorforge_infer(device, image, 1, scores);
    printf("%s: %d %s\n", who, (int)status, xnorforge_error_help());
    fflush(stdout);
}

int main(int count, char **arguments)
{
    xnorforge_device *device;
    int done[2], parent[2], status;
    char byte = 0;
    alarm(10);
    if (count != 3 || xnorforge_open(arguments[1], arguments[2], &device) != XNORFORGE_STATUS_OK) {
        fprintf(stderr, "%s\n", xnorforge_error_message());
        return 1;
    }
    infer("before", device);
    if (pipe(done) != 0 || pipe(parent) != 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        /* Alarms are not inherited. */
        alarm(10);
        close(parent[1]);
        infer("child", device);
        xnorforge_close(device);
        if (write(done[1], &byte, 1) != 1)
            _exit(1);
        /* Lives until the parent has closed the device and opened it again. */
        _exit(read(parent[0], &byte, 1) != 0);
    }
    if (read(done[0], &byte, 1) != 1)
        return 1;
    infer("parent", device);
    xnorforge_close(device);
    if (xnorforge_open(arguments[1], arguments[2], &device) != XNORFORGE_STATUS_OK) {
        fprintf(stderr, "%s\n", xnorforge_error_message());
        return 1;
    }
    infer("again", device);
    xnorforge_close(device);
    close(parent[1]);
    return waitpid(child, &status, 0) == child ? status : 1;
}
