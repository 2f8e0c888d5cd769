# The first process of the virtual machine: prepares it, then runs jobs. A job is a folder /out/ID with the files argv, environment
# (items end in NUL), folder and stdin; it leaves stdout, stderr and, last, status there. Jobs are asked for on the second serial
# line, an ID a line, and run side by side; "off", or the end of the job "once", ends the machine.
use strict;
use warnings;
use POSIX ();

$ENV{PATH} = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
$| = 1;

sub slurp { my ($path) = @_; open(my $in, '<', $path) or return ''; local $/; return <$in> // '' }

sub run { my $pid = fork // return; if (!$pid) { exec { $_[0] } @_ or POSIX::_exit(127) } waitpid($pid, 0); return }

sub off { run('sync'); open(my $key, '>', '/proc/sysrq-trigger'); syswrite($key, 'o'); sleep 9 while 1 }

# In a process of its own: the job itself is that process's child, so that its status can be written down.
sub start {
  my ($id) = @_;
  my $job = "/out/$id";
  my $keeper = fork // return;
  return $keeper if $keeper;
  my $pid = fork // POSIX::_exit(1);
  if (!$pid) {
    open(STDIN, '<', "$job/stdin");
    open(STDOUT, '>>', "$job/stdout");
    open(STDERR, '>>', "$job/stderr");
    my @argv = split /\0/, slurp("$job/argv"), -1;
    pop @argv;
    for (split /\0/, slurp("$job/environment")) { my ($name, $value) = split /=/, $_, 2; $ENV{$name} = $value }
    chdir(slurp("$job/folder")) or chdir('/');
    exec { $argv[0] } @argv or print STDERR "$argv[0]: $!\n";
    POSIX::_exit(127);
  }
  waitpid($pid, 0);
  my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;
  open(my $out, '>', "$job/status.new");
  print $out $status;
  close($out);
  rename("$job/status.new", "$job/status");
  POSIX::_exit(0);
}

run('mount', '-t', 'tmpfs', 'run', '/run');
mkdir $_ for '/run/netns', '/run/lock', '/dev/pts', '/dev/shm', '/lib/modules';
run('mount', '-t', 'devpts', 'pts', '/dev/pts');
run('mount', '-t', 'tmpfs', 'shm', '/dev/shm');
run('mount', '-t', 'tmpfs', 'modules', '/lib/modules');
my $modules = slurp('/out/modules');
symlink($modules, '/lib/modules/' . ($modules =~ m{([^/]+)$})[0]);
run('ip', 'link', 'set', 'lo', 'up');
run('hostname', 'portcullis-vm');
run('prlimit', '--pid', '1', '--nofile=65536:65536');
# Emulated processors fall behind for moments: what the queue (default: 1000 packets) has no room for would be lost.
if (open(my $backlog, '>', '/proc/sys/net/core/netdev_max_backlog')) { print $backlog 100000 }

if (-e '/out/once') { waitpid(start('once'), 0); off() }

run('stty', '-F', '/dev/ttyS1', 'raw', '-echo');
open(my $bell, '<', '/dev/ttyS1') or off();
open(my $ready, '>', '/out/ready');
close($ready);
while (defined(my $line = <$bell>)) {
  chomp($line);
  off() if $line eq 'off';
  start($line) if $line =~ /^[0-9a-z-]+$/;
  1 while waitpid(-1, POSIX::WNOHANG()) > 0;
}
off();
