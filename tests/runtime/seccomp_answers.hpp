// Evaluates a seccomp filter call by call, for tests of our filters and for recording those of Docker.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace consort::runtime {

inline constexpr std::uint32_t unknown_instruction = 0xffffffff;

// Interprets a filter as the kernel would, as far as libseccomp and we use its instructions.
inline std::uint32_t answer(const std::vector<sock_filter>& program, const seccomp_data& call) {
  const auto* bytes = reinterpret_cast<const char*>(&call);
  std::uint32_t a = 0;
  for (std::size_t i = 0; i < program.size(); ++i) {
    const sock_filter& at = program[i];
    const auto jump = [&](bool taken) { i += taken ? at.jt : at.jf; };
    switch (at.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        std::memcpy(&a, bytes + at.k, sizeof a);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= at.k;
        break;
      case BPF_JMP | BPF_JA:
        i += at.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump(a == at.k);
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump(a > at.k);
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        jump(a >= at.k);
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        jump((a & at.k) != 0);
        break;
      case BPF_RET | BPF_K:
        return at.k;
      default:
        return unknown_instruction;
    }
  }
  return 0;
}

inline std::string word(std::uint32_t verdict) {
  if (verdict == SECCOMP_RET_ALLOW) return "allow";
  if (verdict == (SECCOMP_RET_ERRNO | EPERM)) return "EPERM";
  if (verdict == (SECCOMP_RET_ERRNO | ENOSYS)) return "ENOSYS";
  return std::to_string(verdict);
}

inline std::string verdict(const std::vector<sock_filter>& program, int number, std::uint64_t first = 0) {
  seccomp_data call{};
  call.nr = number;
  call.arch = AUDIT_ARCH_X86_64;
  call.args[0] = first;
  return word(answer(program, call));
}

// "0-12 allow\n13 EPERM\n...", for calls without arguments.
inline std::string verdicts(const std::vector<sock_filter>& program) {
  constexpr int end = 481;
  std::string text;
  for (int begin = 0, i = 0; begin < end; begin = i) {
    const std::string now = verdict(program, begin);
    for (i = begin + 1; i < end && verdict(program, i) == now; ++i) {
    }
    text += std::to_string(begin) + (i > begin + 1 ? "-" + std::to_string(i - 1) : "") + " " + now + "\n";
  }
  return text;
}

}  // namespace consort::runtime
