// consort-place: the program that carries packets to the outside.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "place/holder/holder.hpp"

namespace consort::place {
namespace {

constexpr int most_words = 40;  // of the link's program

// A process that has already joined the user namespace cannot open our own descriptors, so a process inside lends its
// name. Returns its pid once it is ready; -1 with errno.
pid_t start_anchor(Holder& holder) {
  int life[2], there[2];
  if (::pipe2(life, O_CLOEXEC) != 0) return -1;
  if (::pipe2(there, O_CLOEXEC) != 0) return -1;
  const pid_t pid = ::fork();
  char byte = 0;
  if (pid == 0) {
    ::close(life[1]);
    const bool inside = ::setns(user_fd, CLONE_NEWUSER) == 0 && ::setns(network_fd, CLONE_NEWNET) == 0;
    if (inside) (void)!::write(there[1], "t", 1);
    ::close(there[1]);
    (void)!::read(life[0], &byte, 1);
    _exit(0);
  }
  ::close(life[0]);
  ::close(there[1]);
  const bool inside = pid > 0 && ::read(there[0], &byte, 1) == 1;
  ::close(there[0]);
  holder.anchor = life[1];
  holder.anchor_pid = pid;
  return inside ? pid : -1;
}

// In the child. The program inherits nothing of ours.
[[noreturn]] void become_link(const Holder& holder, pid_t anchor, int words, int ready) {
  static char texts[most_words][128];
  char* argv[most_words + 1];
  int count = 0;
  for (; holder.link_argv[count] != nullptr && count < most_words; ++count) {
    constexpr char mark[] = "/proc/PID/";
    const char* word = holder.link_argv[count];
    const char* const found = strstr(word, mark);
    argv[count] = holder.link_argv[count];
    if (found == nullptr) continue;
    snprintf(texts[count], sizeof texts[count], "%.*s/proc/%d/%s", static_cast<int>(found - word), word, anchor,
             found + sizeof mark - 1);
    argv[count] = texts[count];
  }
  argv[count] = nullptr;
  ::dup2(words, 2);
  ::dup2(words, 1);
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) ::dup2(null, 0);
  ::dup2(ready, 3);  // slirp4netns --ready-fd=3
  ::close_range(4, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(argv[0], argv);
  dprintf(2, "start %s: %s\n", argv[0], strerror(errno));
  _exit(127);
}

}  // namespace

void tell_of_link(Holder& holder, int index) {
  holder.awaits_link[index] = false;
  if (holder.link == Link::up) return answer(holder.clients[index], 0, nullptr);
  const char* none = "neither pasta (package passt) nor slirp4netns is installed";
  answer(holder.clients[index], 0, holder.link_argv == nullptr ? none : holder.link_text);
}

void settle_link(Holder& holder, Link link) {
  holder.link = link;
  holder.shared->link_up = link == Link::up;
  if (holder.anchor >= 0) ::close(holder.anchor);
  holder.anchor = -1;
  for (int i = 0; i < holder.count; ++i)
    if (holder.awaits_link[i]) tell_of_link(holder, i);
}

void start_link(Holder& holder) {
  holder.link_text_size = 0;
  holder.link_text[0] = '\0';
  if (holder.link_argv == nullptr) return settle_link(holder, Link::failed);
  int words[2], ready[2];
  if (::pipe2(words, O_CLOEXEC | O_NONBLOCK) != 0) return settle_link(holder, Link::failed);
  if (::pipe2(ready, O_CLOEXEC | O_NONBLOCK) != 0) {
    ::close(words[0]);
    ::close(words[1]);
    return settle_link(holder, Link::failed);
  }
  const pid_t anchor = start_anchor(holder);
  const pid_t pid = anchor < 0 ? -1 : ::fork();
  if (pid == 0) become_link(holder, anchor, words[1], ready[1]);
  ::close(words[1]);
  ::close(ready[1]);
  holder.link_words = words[0];
  holder.link_ready = ready[0];
  holder.link_starter = pid;
  holder.link = Link::starting;
  if (pid < 0) settle_link(holder, Link::failed);
}

void hear_link(Holder& holder) {
  char part[256];
  ssize_t got;
  while ((got = ::read(holder.link_words, part, sizeof part)) > 0) {
    // Keep the end of the text: the beginning may be a report about the setup.
    for (ssize_t i = 0; i < got; ++i) {
      if (holder.link_text_size + 1 == sizeof holder.link_text) {
        memmove(holder.link_text, holder.link_text + 1, --holder.link_text_size);
      }
      holder.link_text[holder.link_text_size++] = part[i] == '\n' ? ' ' : part[i];
      holder.link_text[holder.link_text_size] = '\0';
    }
  }
  if (got == 0) {
    ::close(holder.link_words);
    holder.link_words = -1;
  }
}

void hear_ready(Holder& holder) {
  char byte;
  const ssize_t got = ::read(holder.link_ready, &byte, 1);
  if (got < 0) return;
  ::close(holder.link_ready);
  holder.link_ready = -1;
  if (got == 1 && holder.link == Link::starting) settle_link(holder, Link::up);
}

}  // namespace consort::place
