// Attempts to break out of a container, or to access objects outside of it. Each prints "out" or "held: ERRNO". The
// attempts only look and open: if they succeed, they change nothing on the host.
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.hpp"

namespace probe {
namespace {

// Returns whether the attempt succeeded; otherwise errno is the reason.
using Attempt = bool(const char* argument);

bool readable(int fd) {
  char byte;
  const ssize_t got = fd < 0 ? -1 : read(fd, &byte, 1);
  if (got == 0) errno = ENODATA;
  return got == 1;
}

bool open_for_writing(const char* path) {
  return open(path, O_WRONLY | O_CLOEXEC) >= 0;
}

// Opens the host's character device MAJOR:MINOR.
bool device(const char* numbers) {
  unsigned major_number = 0, minor_number = 0;
  sscanf(numbers, "%u:%u", &major_number, &minor_number);
  if (mknod("/device", S_IFCHR | 0600, makedev(major_number, minor_number)) != 0 && errno != EEXIST) return false;
  return open("/device", O_RDONLY | O_CLOEXEC) >= 0;
}

bool write_path(const char* path) {
  return open_for_writing(path);
}

bool read_path(const char* path) {
  return readable(open(path, O_RDONLY | O_CLOEXEC));
}

bool find_path(const char* path) {
  return open(path, O_PATH | O_CLOEXEC) >= 0;
}

// Sets the program that a cgroup v1 hierarchy runs on the host when a group becomes empty. The file is only in the
// machine's root group, but any group can request that the program is run.
bool release_agent(const char* controller) {
  mkdir("/cg", 0755);
  if (mount("cgroup", "/cg", "cgroup", 0, controller) != 0) return false;
  return open_for_writing("/cg/release_agent") || open_for_writing("/cg/notify_on_release");
}

bool mount_something(const char*) {
  return mount("none", "/tmp", "tmpfs", 0, nullptr) == 0;
}

bool signal_process(const char* pid) {
  return kill(atoi(pid), 0) == 0;
}

bool trace_process(const char* pid) {
  const bool traced = ptrace(PTRACE_SEIZE, atoi(pid), nullptr, nullptr) == 0;
  if (traced) kill(atoi(pid), SIGCONT);  // a tracer's end detaches
  return traced;
}

// The process's root directory, without our mounts over it.
bool root_of_process(const char* pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/root/etc/shadow", pid);
  return read_path(path);
}

// One that leads to a directory: from there "..", as often as it takes.
bool descriptor(const char*) {
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) return openat(fd, "../../../../../../etc/shadow", O_PATH) >= 0;
  }
  errno = EBADF;
  return false;
}

bool become_root(const char* program) {
  const pid_t child = fork();
  if (child == 0) {
    char* const words[] = {const_cast<char*>(program), const_cast<char*>("escape"), const_cast<char*>("am-root"),
                           nullptr};
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, 1);
    execv(program, words);
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  errno = EPERM;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool am_root(const char*) {
  errno = EPERM;
  return geteuid() == 0;
}

bool many_processes(const char* count) {
  bool all = true;
  int error = 0;
  pid_t children[256];
  int made = 0;
  for (const int most = atoi(count); all && made < most && made < 256; ++made) {
    children[made] = fork();
    if (children[made] == 0)
      while (true) pause();
    all = children[made] > 0;
    error = errno;
  }
  for (int i = 0; i < made; ++i)
    if (children[i] > 0) kill(children[i], SIGKILL);
  errno = error;
  return all;
}

bool much_memory(const char* megabytes) {
  const size_t size = static_cast<size_t>(atol(megabytes)) << 20;
  char* const memory =
      static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) return false;
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  return true;
}

bool keyring(const char*) {
  return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1) >= 0;
}

bool user_namespace(const char*) {
  return unshare(CLONE_NEWUSER) == 0;
}

bool bpf_map(const char*) {
  bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1;
  return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes) >= 0;
}

bool kernel_log(const char*) {
  char text[4096];
  constexpr int read_all = 3;
  return klogctl(read_all, text, sizeof text) >= 0;
}

// Opens the root of the file system that a bind mount belongs to by its inode number (ext4: 2), which needs no path.
bool by_handle(const char* bind) {
  const int mount_fd = open(bind, O_RDONLY | O_CLOEXEC);
  struct {
    file_handle head;
    unsigned inode, generation;
  } handle{};
  handle.head.handle_bytes = 8;
  handle.head.handle_type = 1;  // FILEID_INO32_GEN
  handle.inode = 2;
  return mount_fd >= 0 && open_by_handle_at(mount_fd, &handle.head, O_RDONLY | O_CLOEXEC) >= 0;
}

// Connects to an abstract socket of the host's network namespace.
bool abstract_socket(const char* name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const size_t size = offsetof(sockaddr_un, sun_path) + 1 + strlen(name);
  return connect(fd, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(size)) == 0;
}

bool shared_memory(const char* key) {
  return shmget(atoi(key), 0, 0) >= 0;
}

constexpr struct {
  const char* name;
  Attempt* run;
} attempts[] = {{"device", device},
                {"write", write_path},
                {"read", read_path},
                {"find", find_path},
                {"release-agent", release_agent},
                {"mount", mount_something},
                {"signal", signal_process},
                {"trace", trace_process},
                {"root-of", root_of_process},
                {"descriptor", descriptor},
                {"become-root", become_root},
                {"am-root", am_root},
                {"processes", many_processes},
                {"memory", much_memory},
                {"keyring", keyring},
                {"user-namespace", user_namespace},
                {"bpf", bpf_map},
                {"kernel-log", kernel_log},
                {"by-handle", by_handle},
                {"abstract-socket", abstract_socket},
                {"shared-memory", shared_memory}};

int escape(int count, char** words) {
  for (const auto& attempt : attempts) {
    if (count == 0 || strcmp(attempt.name, words[0]) != 0) continue;
    const bool out = attempt.run(count > 1 ? words[1] : "");
    if (out)
      puts("out");
    else
      printf("held: %s\n", error_name(errno));
    return out ? 0 : 1;
  }
  return 2;
}

}  // namespace

const Verb escaping[] = {{"escape", "ATTEMPT [ARGUMENT]", escape}, {}};

}  // namespace probe
