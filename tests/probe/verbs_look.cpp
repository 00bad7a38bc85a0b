// Verbs that inspect and print.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <initializer_list>

#include "probe.hpp"

extern char** environ;

namespace probe {

namespace {

int copy_out(int fd, const char* name) {
  char buffer[65536];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, static_cast<size_t>(got), stdout);
  return got < 0 ? complain(name) : 0;
}

int cat(int count, char** files) {
  if (count == 0) return copy_out(0, "stdin");
  for (int i = 0; i < count; ++i) {
    const int fd = open(files[i], O_RDONLY | O_CLOEXEC);
    if (fd < 0) return complain(files[i]);
    const int code = copy_out(fd, files[i]);
    close(fd);
    if (code) return code;
  }
  return 0;
}

int ls(int count, char** paths) {
  const char* const path = count ? paths[0] : ".";
  dirent** entries;
  const int found = scandir(path, &entries, nullptr, alphasort);
  if (found < 0) return complain(path);
  for (int i = 0; i < found; ++i)
    if (strcmp(entries[i]->d_name, ".") != 0 && strcmp(entries[i]->d_name, "..") != 0) puts(entries[i]->d_name);
  return 0;
}

char type_letter(mode_t mode) {
  if (S_ISDIR(mode)) return 'd';
  if (S_ISLNK(mode)) return 'l';
  if (S_ISCHR(mode)) return 'c';
  if (S_ISBLK(mode)) return 'b';
  if (S_ISFIFO(mode)) return 'p';
  return S_ISREG(mode) ? 'f' : '?';
}

// "/dev/null c 0666 0:0 1:3"
int stat_verb(int count, char** paths) {
  for (int i = 0; i < count; ++i) {
    struct stat st;
    if (lstat(paths[i], &st) != 0) return complain(paths[i]);
    printf("%s %c %04o %u:%u %u:%u\n", paths[i], type_letter(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid,
           major(st.st_rdev), minor(st.st_rdev));
  }
  return 0;
}

int readlink_verb(int count, char** paths) {
  char text[4096];
  const ssize_t length = count ? readlink(paths[0], text, sizeof text - 1) : -1;
  if (length < 0) return complain(count ? paths[0] : "readlink");
  text[length] = '\0';
  puts(text);
  return 0;
}

int args(int count, char** words) {
  for (int i = 0; i < count; ++i) puts(words[i]);
  return 0;
}

int env(int count, char** keys) {
  if (count) {
    const char* const value = getenv(keys[0]);
    if (value) puts(value);
    return value ? 0 : 1;
  }
  for (char** entry = environ; *entry; ++entry) puts(*entry);
  return 0;
}

int pwd(int, char**) {
  char path[4096];
  if (!getcwd(path, sizeof path)) return complain("getcwd");
  puts(path);
  return 0;
}

int id(int, char**) {
  gid_t groups[256];
  const int count = getgroups(256, groups);
  const mode_t mask = umask(0);
  umask(mask);
  printf("uid=%u gid=%u groups=", getuid(), getgid());
  for (int i = 0; i < count; ++i) printf("%s%u", i ? "," : "", groups[i]);
  printf(" umask=%04o\n", mask);
  return 0;
}

// Lines of /proc/self/status: caps, nnp, seccomp.
int status(int count, char** keys) {
  FILE* const file = fopen("/proc/self/status", "re");
  if (!file) return complain("/proc/self/status");
  char line[4096];
  while (fgets(line, sizeof line, file)) {
    bool wanted = count == 0;
    for (int i = 0; i < count; ++i)
      wanted |= strncmp(line, keys[i], strlen(keys[i])) == 0 && line[strlen(keys[i])] == ':';
    if (wanted) fputs(line, stdout);
  }
  fclose(file);
  return 0;
}

int caps(int, char**) {
  char names[5][8] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
  char* keys[5] = {names[0], names[1], names[2], names[3], names[4]};
  return status(5, keys);
}

int mounts(int, char**) {
  char path[] = "/proc/self/mountinfo";
  char* paths[] = {path};
  return cat(1, paths);
}

int pids(int, char**) {
  printf("pid=%d ppid=%d sid=%d\n", getpid(), getppid(), getsid(0));
  return 0;
}

int host(int, char**) {
  utsname name;
  if (uname(&name) != 0) return complain("uname");
  printf("hostname=%s domainname=%s\n", name.nodename, name.domainname);
  return 0;
}

int isatty_verb(int, char**) {
  winsize size{};
  ioctl(0, TIOCGWINSZ, &size);
  printf("%d %d %d rows=%d columns=%d\n", isatty(0), isatty(1), isatty(2), size.ws_row, size.ws_col);
  return 0;
}

// What is open beside the standard streams and the directory being listed.
int fds(int, char**) {
  DIR* const directory = opendir("/proc/self/fd");
  if (!directory) return complain("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(directory)) printf("%d\n", fd);
  }
  return 0;
}

int rlimit_verb(int count, char** numbers) {
  for (int i = 0; i < count; ++i) {
    rlimit limit;
    if (getrlimit(static_cast<__rlimit_resource>(atoi(numbers[i])), &limit) != 0) return complain("getrlimit");
    printf("%s soft=%lld hard=%lld\n", numbers[i], static_cast<long long>(limit.rlim_cur),
           static_cast<long long>(limit.rlim_max));
  }
  return 0;
}

int scheduling(int, char**) {
  constexpr int ioprio_who_process = 1;
  printf("nice=%d policy=%d ioprio=%ld\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0),
         syscall(SYS_ioprio_get, ioprio_who_process, 0));
  return 0;
}

int namespaces(int, char**) {
  for (const char* kind : {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}) {
    char path[64];
    char text[64] = {};
    snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    if (readlink(path, text, sizeof text - 1) > 0) puts(text);
  }
  return 0;
}

int space(int count, char** paths) {
  struct statvfs st;
  if (!count || statvfs(paths[0], &st) != 0) return complain("statvfs");
  printf("size=%llu readonly=%d\n", static_cast<unsigned long long>(st.f_blocks) * st.f_frsize,
         st.f_flag & ST_RDONLY ? 1 : 0);
  return 0;
}

}  // namespace

const Verb looking[] = {{"args", "WORD...", args},
                        {"caps", "", caps},
                        {"cat", "[FILE...]", cat},
                        {"env", "[KEY]", env},
                        {"fds", "", fds},
                        {"host", "", host},
                        {"id", "", id},
                        {"isatty", "", isatty_verb},
                        {"ls", "[FOLDER]", ls},
                        {"mounts", "", mounts},
                        {"namespaces", "", namespaces},
                        {"pids", "", pids},
                        {"pwd", "", pwd},
                        {"readlink", "PATH", readlink_verb},
                        {"rlimit", "NUMBER...", rlimit_verb},
                        {"scheduling", "", scheduling},
                        {"space", "PATH", space},
                        {"stat", "PATH...", stat_verb},
                        {"status", "[KEY...]", status},
                        {nullptr, nullptr, nullptr}};

}  // namespace probe
