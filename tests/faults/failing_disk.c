/* A disk that fails on command, for the process that is started with this by LD_PRELOAD.
 *
 * While the file $FAULTS/fsync exists, syncing fails with EIO. While $FAULTS/readonly exists, files below $DISK
 * can be neither opened to write nor written, as after a remount of a disk that the kernel does not trust.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static int is_on(const char *fault) {
    char path[PATH_MAX];
    const char *folder = getenv("FAULTS");
    int saved = errno, on;
    if (!folder) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, fault);
    on = access(path, F_OK) == 0;
    errno = saved;
    return on;
}

static int is_below(const char *path) {
    const char *disk = getenv("DISK");
    return disk && strncmp(path, disk, strlen(disk)) == 0;
}

static int is_ours(int fd) {
    char link[64], path[PATH_MAX];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int refuse(int code) {
    errno = code;
    return -1;
}

int fsync(int fd) {
    REAL(int, "fsync", int);
    return is_on("fsync") ? refuse(EIO) : real(fd);
}

int fdatasync(int fd) {
    REAL(int, "fdatasync", int);
    return is_on("fsync") ? refuse(EIO) : real(fd);
}

#define WRITER(name) \
    ssize_t name(int fd, const void *data, size_t size, off64_t at) { \
        REAL(ssize_t, #name, int, const void *, size_t, off64_t); \
        return is_on("readonly") && is_ours(fd) ? refuse(EROFS) : real(fd, data, size, at); \
    }
WRITER(pwrite)
WRITER(pwrite64)

#define OPENER(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, #name, const char *, int, ...); \
        va_list more; \
        mode_t mode; \
        va_start(more, flags); \
        mode = va_arg(more, mode_t); \
        va_end(more); \
        if ((flags & O_ACCMODE) != O_RDONLY && is_below(path) && is_on("readonly")) return refuse(EROFS); \
        return real(path, flags, mode); \
    }
OPENER(open)
OPENER(open64)
