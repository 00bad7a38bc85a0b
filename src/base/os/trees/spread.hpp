// Controls how ext4 distributes subdirectories.
#pragma once

namespace consort {

// Asks ext4 to put each subdirectory of this directory into a different block group (chattr +T). This makes it several
// times as fast to create many subdirectories soon after others were removed: without a journal, ext4 does not reuse an
// inode deleted within the last minute, but skips all of them in the group, one by one, for each new file. Other file
// systems refuse; nothing depends on it. Costs one system call if already set.
void spread_subdirectories(int directory);

}  // namespace consort
