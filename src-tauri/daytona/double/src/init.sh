# The first process of a sandbox: makes the sandbox's folder its root, with the programs of this machine in it, and
# then waits for the end of its input. Its end is the end of every process of the sandbox.
#
# init.sh DISK [SOURCE TARGET]...   where SOURCE, a folder of this machine, is to be seen as TARGET
set -eu
disk=$1
shift
mount --bind "$disk" "$disk"
for name in bin sbin lib lib32 lib64 libx32 usr etc opt nix dev sys; do
    if [ -L "/$name" ]; then
        ln -sfn "$(readlink "/$name")" "$disk/$name"
    elif [ -d "/$name" ]; then
        mkdir -p "$disk/$name"
        mount --rbind "/$name" "$disk/$name"
        # The flags of a mount may be locked where we are not really root. Then it stays writable for whoever may write.
        [ "$name" = dev ] || mount -o remount,bind,ro "$disk/$name" 2>/dev/null || true
    fi
done
mkdir -p "$disk/proc" "$disk/.host"
mount -t proc proc "$disk/proc"
while [ $# -gt 1 ]; do
    mkdir -p "$disk$2"
    mount --rbind "$1" "$disk$2"
    shift 2
done
cd "$disk"
pivot_root . .host
umount -l /.host
rmdir /.host
cd /
echo ready
# Orphans become our children; with the signal ignored the kernel buries them.
exec env --ignore-signal=CHLD cat >/dev/null
