/* Makes one file-system call below a folder fail, or the process die in it.
 *
 * Preloaded (LD_PRELOAD), it counts every call that looks at, opens, reads, changes or syncs a file below `root`. The
 * call with the number that `fp_arm` was given meets `mode`; those that stand for a disk that stays full or read-only
 * meet every later change as well. Without `fp_arm` all calls go through.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT = 0, KILL = 1, TORN = 2, FULL = 3, IO_ERROR = 4, SHORT = 5, READ_ONLY = 6 };
enum { READS = 0, CHANGES = 1, WRITES = 2 };

static char root[PATH_MAX];
static long counted, target;
static int mode, armed;
static unsigned char ours[65536];
static unsigned char kinds[65536];

void fp_arm(const char *folder, long at, int how) {
    snprintf(root, sizeof root, "%s", folder);
    counted = 0;
    target = at;
    mode = how;
    armed = 1;
}
void fp_disarm(void) { armed = 0; }
long fp_count(void) { return counted; }
int fp_kind(long at) { return at < 65536 ? kinds[at] : 0; }

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }
#define REAL(type, name) static __typeof__(type) next; if (!next) next = (__typeof__(type))real(name)

static int below(int dirfd, const char *path) {
    if (!armed || !path) return 0;
    if (path[0] == '/') return strncmp(path, root, strlen(root)) == 0;
    return dirfd >= 0 && dirfd < 65536 ? ours[dirfd] : 0;
}
static int held(int fd) { return armed && fd >= 0 && fd < 65536 && ours[fd]; }
static void hold(int fd, int it) { if (fd >= 0 && fd < 65536) ours[fd] = (unsigned char)it; }

static void die(void) { kill(getpid(), SIGKILL); for (;;) pause(); }

/* 0: go on; 1: errno is set and the call fails; 2: write a part; 3: write a part and die. */
static int meet(int kind) {
    long now = counted++;
    if (now < 65536) kinds[now] = (unsigned char)kind;
    int later = now >= target && kind != READS;
    if (mode == FULL && later) { errno = ENOSPC; return 1; }
    if (mode == READ_ONLY && later) { errno = EROFS; return 1; }
    if (now != target) return 0;
    if (mode == KILL) die();
    if (mode == IO_ERROR) { errno = EIO; return 1; }
    if (kind == WRITES && mode == SHORT) return 2;
    if (kind == WRITES && mode == TORN) return 3;
    return 0;
}

static int opening(int flags) { return flags & (O_CREAT | O_WRONLY | O_RDWR) ? CHANGES : READS; }

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        REAL(int (*)(const char *, int, ...), #name);                         \
        va_list rest; va_start(rest, flags); mode_t m = va_arg(rest, mode_t); va_end(rest); \
        int it = below(AT_FDCWD, path);                                       \
        if (it && meet(opening(flags))) return -1;                            \
        int fd = next(path, flags, m); hold(fd, it); return fd;               \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                                          \
    int name(int dir, const char *path, int flags, ...) {                     \
        REAL(int (*)(int, const char *, int, ...), #name);                    \
        va_list rest; va_start(rest, flags); mode_t m = va_arg(rest, mode_t); va_end(rest); \
        int it = below(dir, path);                                            \
        if (it && meet(opening(flags))) return -1;                            \
        int fd = next(dir, path, flags, m); hold(fd, it); return fd;          \
    }
OPENAT(openat)
OPENAT(openat64)
#define FOPEN(name)                                                           \
    FILE *name(const char *path, const char *how) {                           \
        REAL(FILE *(*)(const char *, const char *), #name);                   \
        int it = below(AT_FDCWD, path);                                       \
        if (it && meet(strpbrk(how, "wa+") ? CHANGES : READS)) return NULL;   \
        FILE *f = next(path, how); if (f) hold(fileno(f), it); return f;      \
    }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int fd, const void *data, size_t n) {
    REAL(ssize_t (*)(int, const void *, size_t), "write");
    if (held(fd)) switch (meet(WRITES)) {
        case 1: return -1;
        case 2: n = n / 2 ? n / 2 : n; break;
        case 3: next(fd, data, n / 2); die();
    }
    return next(fd, data, n);
}
#define PWRITE(name)                                                          \
    ssize_t name(int fd, const void *data, size_t n, off64_t at) {            \
        REAL(ssize_t (*)(int, const void *, size_t, off64_t), #name);         \
        if (held(fd)) switch (meet(WRITES)) {                                 \
            case 1: return -1;                                                \
            case 2: n = n / 2 ? n / 2 : n; break;                             \
            case 3: next(fd, data, n / 2, at); die();                         \
        }                                                                     \
        return next(fd, data, n, at);                                         \
    }
PWRITE(pwrite)
PWRITE(pwrite64)
ssize_t writev(int fd, const struct iovec *parts, int n) {
    REAL(ssize_t (*)(int, const struct iovec *, int), "writev");
    if (held(fd) && meet(CHANGES)) return -1;
    return next(fd, parts, n);
}
size_t fwrite(const void *data, size_t size, size_t n, FILE *f) {
    REAL(size_t (*)(const void *, size_t, size_t, FILE *), "fwrite");
    if (held(fileno(f))) switch (meet(WRITES)) {
        case 1: return 0;
        case 2: return next(data, size, n / 2, f);
        case 3: next(data, size, n / 2, f); fflush(f); die();
    }
    return next(data, size, n, f);
}
int fclose(FILE *f) {
    REAL(int (*)(FILE *), "fclose");
    int fd = f ? fileno(f) : -1, fails = held(fd) && meet(CHANGES), why = errno;
    hold(fd, 0);
    int result = next(f);
    if (fails) { errno = why; return EOF; }
    return result;
}
ssize_t read(int fd, void *data, size_t n) {
    REAL(ssize_t (*)(int, void *, size_t), "read");
    if (held(fd) && meet(READS)) return -1;
    return next(fd, data, n);
}
#define PREAD(name)                                                           \
    ssize_t name(int fd, void *data, size_t n, off64_t at) {                  \
        REAL(ssize_t (*)(int, void *, size_t, off64_t), #name);               \
        if (held(fd) && meet(READS)) return -1;                               \
        return next(fd, data, n, at);                                         \
    }
PREAD(pread)
PREAD(pread64)
size_t fread(void *data, size_t size, size_t n, FILE *f) {
    REAL(size_t (*)(void *, size_t, size_t, FILE *), "fread");
    if (held(fileno(f)) && meet(READS)) return 0;
    return next(data, size, n, f);
}
#define LOOK(name)                                                            \
    int name(const char *path, struct stat64 *found) {                        \
        REAL(int (*)(const char *, struct stat64 *), #name);                  \
        if (below(AT_FDCWD, path) && meet(READS)) return -1;                  \
        return next(path, found);                                             \
    }
LOOK(stat64)
LOOK(lstat64)
int fstatat64(int dir, const char *path, struct stat64 *found, int flags) {
    REAL(int (*)(int, const char *, struct stat64 *, int), "fstatat64");
    if (below(dir, path) && meet(READS)) return -1;
    return next(dir, path, found, flags);
}
int fstat64(int fd, struct stat64 *found) {
    REAL(int (*)(int, struct stat64 *), "fstat64");
    if (held(fd) && meet(READS)) return -1;
    return next(fd, found);
}
DIR *opendir(const char *path) {
    REAL(DIR *(*)(const char *), "opendir");
    int it = below(AT_FDCWD, path);
    if (it && meet(READS)) return NULL;
    DIR *opened = next(path); if (opened) hold(dirfd(opened), it); return opened;
}
struct dirent64 *readdir64(DIR *opened) {
    REAL(struct dirent64 *(*)(DIR *), "readdir64");
    if (held(dirfd(opened)) && meet(READS)) return NULL;
    return next(opened);
}
int closedir(DIR *opened) {
    REAL(int (*)(DIR *), "closedir");
    hold(dirfd(opened), 0);
    return next(opened);
}
int close(int fd) {
    REAL(int (*)(int), "close");
    hold(fd, 0);
    return next(fd);
}
#define ON_FD(name)                                                           \
    int name(int fd) {                                                        \
        REAL(int (*)(int), #name);                                            \
        if (held(fd) && meet(CHANGES)) return -1;                             \
        return next(fd);                                                      \
    }
ON_FD(fsync)
ON_FD(fdatasync)
#define TRUNCATE(name)                                                        \
    int name(int fd, off64_t length) {                                        \
        REAL(int (*)(int, off64_t), #name);                                   \
        if (held(fd) && meet(CHANGES)) return -1;                             \
        return next(fd, length);                                              \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)
#define ON_PATH(name)                                                         \
    int name(const char *path) {                                              \
        REAL(int (*)(const char *), #name);                                   \
        if (below(AT_FDCWD, path) && meet(CHANGES)) return -1;                \
        return next(path);                                                    \
    }
ON_PATH(unlink)
ON_PATH(rmdir)
int unlinkat(int dir, const char *path, int flags) {
    REAL(int (*)(int, const char *, int), "unlinkat");
    if (below(dir, path) && meet(CHANGES)) return -1;
    return next(dir, path, flags);
}
int mkdir(const char *path, mode_t m) {
    REAL(int (*)(const char *, mode_t), "mkdir");
    if (below(AT_FDCWD, path) && meet(CHANGES)) return -1;
    return next(path, m);
}
int mkdirat(int dir, const char *path, mode_t m) {
    REAL(int (*)(int, const char *, mode_t), "mkdirat");
    if (below(dir, path) && meet(CHANGES)) return -1;
    return next(dir, path, m);
}
int rename(const char *from, const char *to) {
    REAL(int (*)(const char *, const char *), "rename");
    if (below(AT_FDCWD, to) && meet(CHANGES)) return -1;
    return next(from, to);
}
int renameat(int from_dir, const char *from, int to_dir, const char *to) {
    REAL(int (*)(int, const char *, int, const char *), "renameat");
    if (below(to_dir, to) && meet(CHANGES)) return -1;
    return next(from_dir, from, to_dir, to);
}
int chmod(const char *path, mode_t m) {
    REAL(int (*)(const char *, mode_t), "chmod");
    if (below(AT_FDCWD, path) && meet(CHANGES)) return -1;
    return next(path, m);
}
int fchmodat(int dir, const char *path, mode_t m, int flags) {
    REAL(int (*)(int, const char *, mode_t, int), "fchmodat");
    if (below(dir, path) && meet(CHANGES)) return -1;
    return next(dir, path, m, flags);
}
