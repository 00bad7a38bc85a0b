// Verbs that act: exit, wait, listen, misbehave.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

#include "probe.hpp"

namespace probe {

namespace {

int true_verb(int, char**) {
  return 0;
}
int exit_verb(int count, char** words) {
  exit(count ? atoi(words[0]) : 0);
}

int echo(int count, char** words) {
  for (int i = 0; i < count; ++i) printf("%s%s", i ? " " : "", words[i]);
  putchar('\n');
  return 0;
}

int echo_err(int count, char** words) {
  for (int i = 0; i < count; ++i) fprintf(stderr, "%s%s", i ? " " : "", words[i]);
  fputc('\n', stderr);
  return 0;
}

int write_verb(int count, char** words) {
  if (count < 2) return 2;
  const int fd = open(words[0], O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || write(fd, words[1], strlen(words[1])) < 0) return complain(words[0]);
  close(fd);
  return 0;
}

int append(int count, char** words) {
  if (count < 2) return 2;
  const int fd = open(words[0], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || dprintf(fd, "%s\n", words[1]) < 0) return complain(words[0]);
  close(fd);
  return 0;
}

int mkdir_verb(int count, char** words) {
  for (int i = 0; i < count; ++i)
    if (mkdir(words[i], 0755) != 0) return complain(words[i]);
  return 0;
}

// Sleeps for some milliseconds.
int sleep_verb(int count, char** words) {
  const long ms = count ? atol(words[0]) : 1000;
  timespec left{ms / 1000, ms % 1000 * 1'000'000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
  return 0;
}

int pause_verb(int, char**) {
  while (true) pause();
}

// Waits for one of these signals (SIGTERM if none is given): prints "ready", then "got N", and exits with 0.
int trap(int count, char** words) {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (int i = 0; i < count; ++i) sigaddset(&wanted, atoi(words[i]));
  if (!count) sigaddset(&wanted, SIGTERM);
  struct sigaction action {};
  action.sa_handler = [](int) {};
  for (int signal = 1; signal < 32; ++signal)
    if (sigismember(&wanted, signal)) sigaction(signal, &action, nullptr);
  sigprocmask(SIG_BLOCK, &wanted, nullptr);
  puts("ready");
  fflush(stdout);
  int got;
  sigwait(&wanted, &got);
  printf("got %d\n", got);
  return 0;
}

// Only installs a handler; blocks nothing.
int handle(int count, char** words) {
  static volatile sig_atomic_t seen = 0;
  struct sigaction action {};
  action.sa_handler = [](int signal) { seen = signal; };
  sigaction(count ? atoi(words[0]) : SIGTERM, &action, nullptr);
  puts("ready");
  fflush(stdout);
  while (!seen) pause();
  printf("got %d\n", seen);
  return 0;
}

int ignore(int count, char** words) {
  for (int i = 0; i < count; ++i) signal(atoi(words[i]), SIG_IGN);
  return 0;
}

// Runs the rest of the line in a child; "spawn" does not wait for it.
int spawn(int count, char** words) {
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) return complain("fork");
  if (child == 0) _exit(run_line(count, words));
  return 0;
}

int wait_children(int, char**) {
  int code = 0;
  while (wait(&code) > 0) printf("child %d\n", WIFSIGNALED(code) ? 128 + WTERMSIG(code) : WEXITSTATUS(code));
  return 0;
}

int kill_verb(int count, char** words) {
  if (count < 2) return 2;
  return kill(atoi(words[0]), atoi(words[1])) == 0 ? 0 : complain("kill");
}

// Returns the listening descriptor.
int listen_on(int count, char** words) {
  const char* const address = count > 1 ? words[1] : "0.0.0.0";
  const bool six = strchr(address, ':');
  const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  v6.sin6_family = AF_INET6;
  v4.sin_family = AF_INET;
  v6.sin6_port = v4.sin_port = htons(static_cast<uint16_t>(count ? atoi(words[0]) : 0));
  inet_pton(six ? AF_INET6 : AF_INET, address, six ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr);
  const sockaddr* const where = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  if (bind(fd, where, six ? sizeof v6 : sizeof v4) != 0 || listen(fd, 16) != 0) return -1;
  puts("listening");
  fflush(stdout);
  return fd;
}

// Stays open: "listen 80 -- pause".
int listen_verb(int count, char** words) {
  return listen_on(count, words) < 0 ? complain("listen") : 0;
}

// Listens, and answers each connection with the words that follow, forever.
int serve(int count, char** words) {
  if (count < 1) return 2;
  const int listener = listen_on(1, words);
  if (listener < 0) return complain("listen");
  while (true) {
    const int peer = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) return complain("accept");
    for (int i = 1; i < count; ++i) dprintf(peer, "%s%s", i > 1 ? " " : "", words[i]);
    dprintf(peer, "\n");
    close(peer);
  }
}

int connect_verb(int count, char** words) {
  if (count < 2) return 2;
  const bool six = strchr(words[0], ':');
  const int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 v6{};
  sockaddr_in v4{};
  v6.sin6_family = AF_INET6;
  v4.sin_family = AF_INET;
  v6.sin6_port = v4.sin_port = htons(static_cast<uint16_t>(atoi(words[1])));
  inet_pton(six ? AF_INET6 : AF_INET, words[0], six ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr);
  const sockaddr* const where = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  if (connect(fd, where, six ? sizeof v6 : sizeof v4) != 0) return complain("connect");
  char buffer[4096];
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, static_cast<size_t>(got), stdout);
  close(fd);
  return 0;
}

int memhog(int count, char** words) {
  const size_t bytes = count ? strtoull(words[0], nullptr, 10) : 0;
  char* const memory =
      static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) return complain("mmap");
  for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
  puts("full");
  return 0;
}

// Forks until that fails, and prints the reason and the number of children.
int forkbomb(int count, char** words) {
  const int most = count ? atoi(words[0]) : 100000;
  for (int i = 0; i < most; ++i) {
    const pid_t child = fork();
    if (child < 0) {
      printf("stopped at %d: %s\n", i, error_name(errno));
      return 0;
    }
    if (child == 0) pause();
  }
  puts("not stopped");
  return 1;
}

// Uses this many milliseconds of processor time, however busy the machine is.
int spin(int count, char** words) {
  const long ms = count ? atol(words[0]) : 1000;
  timespec used;
  do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  while (used.tv_sec * 1000 + used.tv_nsec / 1'000'000 < ms);
  return 0;
}

int lines(int count, char** words) {
  const long most = count ? atol(words[0]) : 10;
  for (long i = 0; i < most; ++i) printf("line %ld\n", i);
  return 0;
}

void report(const char* name, long result) {
  printf("%s=%s\n", name, result < 0 ? error_name(errno) : "ok");
}

// Tries a system call and prints "name=ok" or "name=EPERM".
int try_verb(int count, char** words) {
  for (int i = 0; i < count; ++i) {
    const char* const name = words[i];
    if (!strcmp(name, "mount"))
      report(name, mount("none", "/tmp", "tmpfs", 0, nullptr));
    else if (!strcmp(name, "unshare"))
      report(name, unshare(CLONE_NEWNS));
    else if (!strcmp(name, "userns"))
      report(name, unshare(CLONE_NEWUSER));
    else if (!strcmp(name, "keyctl"))
      report(name, syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    else if (!strcmp(name, "io_uring"))
      report(name, syscall(SYS_io_uring_setup, 1, nullptr));
    else if (!strcmp(name, "clone3"))
      report(name, syscall(SYS_clone3, nullptr, 0));
    else if (!strcmp(name, "bpf"))
      report(name, syscall(SYS_bpf, 0, nullptr, 0));
    else if (!strcmp(name, "chroot"))
      report(name, chroot("/"));
    else if (!strcmp(name, "future"))
      report(name, syscall(4095));
    else if (!strcmp(name, "personality"))
      report(name, syscall(SYS_personality, 0xffffffffUL));
    else if (!strcmp(name, "vsock"))
      report(name, socket(40, SOCK_STREAM, 0));
    else if (!strcmp(name, "mknod"))
      report(name, mknod("/tmp-probe-node", S_IFCHR | 0600, makedev(7, 0)));
    else if (!strcmp(name, "sethostname"))
      report(name, sethostname("x", 1));
    else
      return 2;
  }
  return 0;
}

int open_verb(int count, char** words) {
  for (int i = 0; i < count; ++i) {
    const int fd = open(words[i], O_RDWR | O_CLOEXEC | O_NONBLOCK);
    report(words[i], fd);
    if (fd >= 0) close(fd);
  }
  return 0;
}

}  // namespace

const Verb doing[] = {{"append", "FILE LINE", append},
                      {"connect", "ADDRESS PORT", connect_verb},
                      {"echo", "WORD...", echo},
                      {"echo-err", "WORD...", echo_err},
                      {"exit", "[CODE]", exit_verb},
                      {"forkbomb", "[MOST]", forkbomb},
                      {"handle", "[SIGNAL]", handle},
                      {"ignore", "SIGNAL...", ignore},
                      {"kill", "PID SIGNAL", kill_verb},
                      {"lines", "[COUNT]", lines},
                      {"listen", "PORT [ADDRESS]", listen_verb},
                      {"memhog", "BYTES", memhog},
                      {"mkdir", "PATH...", mkdir_verb},
                      {"open", "PATH...", open_verb},
                      {"pause", "", pause_verb},
                      {"serve", "PORT WORD...", serve},
                      {"sleep", "MILLISECONDS", sleep_verb},
                      {"spawn", "VERB [ARGUMENT...]", spawn},
                      {"spin", "MILLISECONDS", spin},
                      {"trap", "[SIGNAL...]", trap},
                      {"true", "", true_verb},
                      {"try", "SYSTEM-CALL...", try_verb},
                      {"wait", "", wait_children},
                      {"write", "FILE TEXT", write_verb},
                      {nullptr, nullptr, nullptr}};

}  // namespace probe
