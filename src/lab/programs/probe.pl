# Many connection attempts at once, a process for each network namespace. A line in, a line out, in no particular order:
#   in   NAMESPACE ID PROTOCOL SOURCE SOURCE-PORT DESTINATION PORT TIMEOUT-MS   (by tabs; '' is any source)
#   out  ID OUTCOME ENDPOINT SOURCE-SEEN                                    ('-' where nobody answered)
use strict;
use warnings;
use File::Basename qw(dirname);
require(dirname(__FILE__) . '/endpoint.pl');

# More than this, and an emulated machine loses packets for want of time.
use constant AT_ONCE => 50;
$SIG{PIPE} = 'IGNORE';
$| = 1;
my (%probe, $reading, $writing);    # probes by file number
($reading, $writing) = ('', '');
my @waiting;

sub finish {
  my ($probe, $outcome, $endpoint, $source) = @_;
  print join("\t", $probe->{id}, $outcome, $endpoint // '-', $source // '-'), "\n";
  return if !defined $probe->{handle};
  my $n = fileno($probe->{handle});
  vec($reading, $n, 1) = 0;
  vec($writing, $n, 1) = 0;
  # The same source port shall be free for the next one at once: reset instead of waiting.
  setsockopt($probe->{handle}, SOL_SOCKET(), SO_LINGER(), pack('ii', 1, 0)) if $probe->{own_port} ne '';
  delete $probe{$n};
  close($probe->{handle});
}

sub start {
  my ($id, $protocol, $source, $own_port, $to, $port, $timeout) = split /\t/, $_[0];
  my $probe = { id => $id, own_port => $own_port, stream => $protocol ne 'udp', until => now_ms() + $timeout };
  $probe->{handle} = open_client($protocol, $source, $own_port, $to) // return finish($probe, outcome_of($! + 0));
  my $n = fileno($probe->{handle});
  $probe{$n} = $probe;
  return vec($writing, $n, 1) = 1 if connect($probe->{handle}, address_of($to, $port)) || $! == EINPROGRESS();
  finish($probe, outcome_of($! + 0));
}

sub connected {
  my ($probe) = @_;
  my $errno = unpack('i', getsockopt($probe->{handle}, SOL_SOCKET(), SO_ERROR()));
  return finish($probe, outcome_of($errno)) if $errno != 0;
  vec($writing, fileno($probe->{handle}), 1) = 0;
  vec($reading, fileno($probe->{handle}), 1) = 1;
  defined syswrite($probe->{handle}, "hello\n") or silent($probe, outcome_of($! + 0));
}

# Nobody answered. A stream had come about before that, a datagram leaves no trace.
sub silent { my ($probe, $how) = @_; finish($probe, $probe->{stream} ? "connected-no-answer:$how" : $how) }

sub answered {
  my ($probe) = @_;
  my $got = sysread($probe->{handle}, my $text, 65536);
  return silent($probe, outcome_of($! + 0)) if !defined $got;
  return silent($probe, 'closed') if $got == 0;
  my ($endpoint, $source) = split / /, $text;
  finish($probe, 'connected', $endpoint, $source);
}

sub probe_all {
  my $looked = 0;
  while (@waiting || %probe) {
    start(shift @waiting) while @waiting && keys %probe < AT_ONCE;
    my ($readable, $writable) = ($reading, $writing);
    $readable = $writable = '' if select($readable, $writable, undef, 0.02) <= 0;
    for my $n (numbers_in($writable)) { connected($probe{$n}) if exists $probe{$n} }
    for my $n (numbers_in($readable)) { answered($probe{$n}) if exists $probe{$n} }
    my $now = now_ms();
    next if $now == $looked;
    $looked = $now;
    for my $probe (values %probe) {
      next if $now < $probe->{until};
      vec($writing, fileno($probe->{handle}), 1) ? finish($probe, 'timeout') : silent($probe, 'timeout');
    }
  }
}

my %lines;
while (my $line = <STDIN>) {
  chomp($line);
  my ($namespace, $rest) = split /\t/, $line, 2;
  push @{$lines{$namespace}}, $rest;
}
my @children;
for my $namespace (keys %lines) {
  my $pid = fork // die "fork: $!\n";
  if ($pid) { push @children, $pid; next }
  enter_namespace($namespace);
  @waiting = @{$lines{$namespace}};
  probe_all();
  exit 0;
}
my $failed = 0;
for my $pid (@children) { waitpid($pid, 0); $failed = 1 if $? != 0 }
exit $failed;
