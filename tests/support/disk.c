/* Loaded before libc (LD_PRELOAD) into a process under test: writes down, in order, what it writes and syncs
 * below TESTED_DISK_FOLDER into TESTED_DISK_LOG, and fails such calls while TESTED_DISK_FAIL holds an errno and the
 * calls that it concerns ("28 w": writes fail with ENOSPC, "5 s": syncs fail with EIO).
 *
 * A record: kind ('w'rite, 't'runcate, 's'ync, 'u'nlink), offset (-1: at the end), lengths of path and data, path, data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static const char *folder, *failing;
static int log_fd = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void prepare(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    folder = getenv("TESTED_DISK_FOLDER");
    failing = getenv("TESTED_DISK_FAIL");
    const char *path = getenv("TESTED_DISK_LOG");
    if (folder && path) log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The file's path when it is watched, else NULL. */
static const char *watched(int fd, char *path) {
    char link[64];
    if (log_fd < 0 || fd == log_fd) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n < 0) return NULL;
    path[n] = 0;
    return strncmp(path, folder, strlen(folder)) ? NULL : path;
}

static void note(char kind, const char *path, int64_t offset, const void *data, uint32_t size) {
    char head[17];
    uint32_t length = strlen(path);
    head[0] = kind;
    memcpy(head + 1, &offset, 8);
    memcpy(head + 9, &length, 4);
    memcpy(head + 13, &size, 4);
    real_write(log_fd, head, sizeof head);
    real_write(log_fd, path, length);
    if (size) real_write(log_fd, data, size);
}

static int fails(char kind) {
    char text[16] = {0}, what = 0;
    int number = 0, fd = failing ? open(failing, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0 || sscanf(text, "%d %c", &number, &what) != 2 || what != kind) return 0;
    errno = number;
    return 1;
}

#define DO(kind, offset, data, size, call)                                                    \
    char path[PATH_MAX];                                                                      \
    if (!watched(fd, path)) return call;                                                      \
    if (fails(kind == 't' ? 'w' : kind)) return -1;                                           \
    pthread_mutex_lock(&lock);                                                                \
    __auto_type done = call;                                                                  \
    int error = errno;                                                                        \
    if (done >= 0) note(kind, path, offset, data, kind == 'w' ? (uint32_t)done : 0);          \
    pthread_mutex_unlock(&lock);                                                              \
    errno = error;                                                                            \
    return done;

ssize_t pwrite64(int fd, const void *data, size_t n, off_t at) { DO('w', at, data, n, real_pwrite(fd, data, n, at)) }
ssize_t pwrite(int fd, const void *data, size_t n, off_t at) { DO('w', at, data, n, real_pwrite(fd, data, n, at)) }
ssize_t write(int fd, const void *data, size_t n) { DO('w', -1, data, n, real_write(fd, data, n)) }
int ftruncate64(int fd, off_t size) { DO('t', size, NULL, 0, real_ftruncate(fd, size)) }
int ftruncate(int fd, off_t size) { DO('t', size, NULL, 0, real_ftruncate(fd, size)) }
int fsync(int fd) { DO('s', 0, NULL, 0, real_fsync(fd)) }
int fdatasync(int fd) { DO('s', 0, NULL, 0, real_fdatasync(fd)) }

int unlink(const char *path) {
    pthread_mutex_lock(&lock);
    int done = real_unlink(path);
    if (!done && log_fd >= 0 && !strncmp(path, folder, strlen(folder))) note('u', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}
