#!/bin/sh
# The first process of a cluster, in process, mount and network namespaces of its own. It gives the cluster folders of its
# own, starts and ends its daemons as the fifo `control` says (`start NAME`, `stop NAME`, `kill NAME`), and ends when its
# input does: then the kernel ends every process of the cluster, pods too, and mounts and network go with them.
set -eu
dir=$1
address=$2
gateway=$3

# A view of the devices of its own network; the control groups are the machine's.
mkdir "$dir/cgroup"
mount --rbind /sys/fs/cgroup "$dir/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$dir/cgroup" /sys/fs/cgroup
umount -l "$dir/cgroup"
# Volumes that the kubelet mounts must be seen by containers, and nobody else.
mount --make-rshared /
umount -l /run/netns 2>/dev/null || :
mount -t tmpfs tmpfs /run
for path in /var/lib /var/log; do
  mkdir -p "$dir$path"
  mount --bind "$dir$path" "$path"
done
# The kubelet sets these for the whole machine; it sees what it wants, and the machine keeps what it has.
while read -r path value; do
  echo "$value" >"$dir/sysctl.$(basename "$path")"
  [ ! -e "/proc/sys/$path" ] || mount --bind "$dir/sysctl.$(basename "$path")" "/proc/sys/$path"
done <<END
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END

# The cable to the machine is laid from outside.
tries=0
until ip link show eth0 >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ $tries -lt 600 ] || exit 1
  sleep 0.05
done
ip link set lo up
ip addr add "$address/30" dev eth0
ip link set eth0 up
# What has no way is not looked up for Services either.
ip route add default via "$gateway"
echo 1 >/proc/sys/net/ipv4/ip_forward

pid_of() { cat "$dir/run/$1.pid"; }
obey() {
  while read -r verb name <&3; do
    case $verb in
    start)
      "$dir/daemons/$name" >>"$dir/logs/$name.log" 2>&1 &
      echo $! >"$dir/run/$name.pid"
      ;;
    stop) kill "$(pid_of "$name")" || : ;;
    kill) kill -9 "$(pid_of "$name")" || : ;;
    esac
  done
}
exec 3<>"$dir/control"
obey &
echo ready
cat >/dev/null
