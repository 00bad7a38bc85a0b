// Where the file system puts what is made in a directory.
#pragma once

namespace consort {

// Asks ext4 to put each directory in this one into another block group (chattr +T). Where many are made side by side,
// soon after others were removed, that is several times as fast: without a journal, ext4 does not give an inode again
// that was deleted in the last minute, but steps over all of them in the group, one by one, for each new file. Other
// file systems refuse; nothing depends on it. One system call where it is so already.
void spread_subfolders(int directory);

}  // namespace consort
