// The devices controller of cgroup v1, as the BPF program that v2 requires. The kernel's context holds the access (type
// in the low half, r/w/m bits in the high half), major and minor; 1 in r0 allows.
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/cgroup/cgroup_hierarchy.hpp"

namespace consort::runtime::internal {

namespace {

bpf_insn instruction(int code, int dst, int src, int offset, int immediate) {
  bpf_insn insn{};
  insn.code = static_cast<std::uint8_t>(code);
  insn.dst_reg = static_cast<std::uint8_t>(dst & 15);
  insn.src_reg = static_cast<std::uint8_t>(src & 15);
  insn.off = static_cast<std::int16_t>(offset);
  insn.imm = immediate;
  return insn;
}

constexpr int load_word = BPF_LDX | BPF_MEM | BPF_W;
constexpr int type_register = BPF_REG_2;
constexpr int access_register = BPF_REG_3;
constexpr int major_register = BPF_REG_4;
constexpr int minor_register = BPF_REG_5;

int access_bits(const std::string& access) {
  int bits = 0;
  for (const char c : access) {
    if (c == 'm') bits |= BPF_DEVCG_ACC_MKNOD;
    if (c == 'r') bits |= BPF_DEVCG_ACC_READ;
    if (c == 'w') bits |= BPF_DEVCG_ACC_WRITE;
  }
  return bits;
}

// One rule: falls through to the next unless all of it matches.
void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  std::vector<bpf_insn> tests;  // each jumps past the verdict when it does not match; offsets are set below
  const int not_equal = BPF_JMP | BPF_JNE | BPF_K;
  if (rule.type != 'a')
    tests.push_back(
        instruction(not_equal, type_register, 0, 0, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR));
  const int bits = access_bits(rule.access);
  if (bits != 7) {
    // An allowing rule must cover everything requested; a denying one applies when it covers any of it.
    tests.push_back(instruction(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, access_register, 0, 0));
    tests.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, rule.allow ? ~bits & 7 : bits));
    tests.push_back(instruction(rule.allow ? not_equal : BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_1, 0, 0, 0));
  }
  if (rule.major) tests.push_back(instruction(not_equal, major_register, 0, 0, static_cast<int>(*rule.major)));
  if (rule.minor) tests.push_back(instruction(not_equal, minor_register, 0, 0, static_cast<int>(*rule.minor)));
  for (std::size_t i = 0; i < tests.size(); ++i)
    if (BPF_CLASS(tests[i].code) == BPF_JMP) tests[i].off = static_cast<std::int16_t>(tests.size() - i - 1 + 2);
  program.insert(program.end(), tests.begin(), tests.end());
  program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, rule.allow ? 1 : 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

std::vector<bpf_insn> compile(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program = {
      instruction(load_word, type_register, BPF_REG_1, 0, 0),
      instruction(BPF_ALU | BPF_AND | BPF_K, type_register, 0, 0, 0xffff),
      instruction(load_word, access_register, BPF_REG_1, 0, 0),
      instruction(BPF_ALU | BPF_RSH | BPF_K, access_register, 0, 0, 16),
      instruction(load_word, major_register, BPF_REG_1, 4, 0),
      instruction(load_word, minor_register, BPF_REG_1, 8, 0),
  };
  // The last match wins, so the last rule is checked first.
  bool exhaustive = false;
  for (auto rule = rules.rbegin(); rule != rules.rend() && !exhaustive; ++rule) {
    append_rule(program, *rule);
    exhaustive = rule->type == 'a' && !rule->major && !rule->minor && access_bits(rule->access) == 7;
  }
  if (!exhaustive) {
    // OCI starts from "deny".
    program.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0));
    program.push_back(instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
  }
  return program;
}

long bpf_call(int command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

}  // namespace

Result<> attach_device_filter(int cgroup_directory, const std::vector<DeviceRule>& rules) {
  const std::vector<bpf_insn> program = compile(rules);
  bpf_attr load;
  std::memset(&load, 0, sizeof load);
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<std::uintptr_t>(program.data());
  load.insn_cnt = static_cast<std::uint32_t>(program.size());
  load.license = reinterpret_cast<std::uintptr_t>("Apache-2.0");
  const Fd loaded(static_cast<int>(bpf_call(BPF_PROG_LOAD, load)));  // CLOEXEC by definition
  if (!loaded) return fail_errno("load device filter");
  bpf_attr attach;
  std::memset(&attach, 0, sizeof attach);
  attach.target_fd = static_cast<std::uint32_t>(cgroup_directory);
  attach.attach_bpf_fd = static_cast<std::uint32_t>(loaded.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf_call(BPF_PROG_ATTACH, attach) != 0) return fail_errno("attach device filter");
  return {};
}

}  // namespace consort::runtime::internal
