# Sends without end, until its input ends. Prints "sending" when it has begun, and in the end what it did as "WORD NUMBER" lines.
#   perl flood.pl udp PER-SECOND ADDRESS PORT,... SOURCE...          datagrams from every source to every port
#   perl flood.pl tcp PER-SECOND ADDRESS PORT,... SOURCE...          connections, each opened, and reset when it stands
# Sources that begin with "=" are let in: connections from them are waited for; others are given up after a moment.
# It is Perl because a Node process sends too slowly and starts too slowly in an emulated machine.
use strict;
use warnings;
use File::Basename qw(dirname);
require(dirname(__FILE__) . '/../../../src/lab/programs/endpoint.pl');

my ($protocol, $rate, $address, $ports, @sources) = @ARGV;
my @targets = map { address_of($address, $_) } split /,/, $ports;
$| = 1;
my $told = 0;
my %count = (sent => 0, connected => 0, refused => 0, timeout => 0, 'wrongly-refused' => 0);
my $begin = now_ms();
my $watched = '';
vec($watched, fileno(STDIN), 1) = 1;

# Sleeps until so many may have been sent; false when the input has ended.
sub pace {
  my ($wait) = @_;
  if ($count{sent} && !$told++) { print "sending\n" }
  my $ahead = $count{sent} * 1000 / $rate - (now_ms() - $begin);
  # What it could not send in time it does not make up for: bursts only fill queues.
  $begin -= $ahead if $ahead < 0;
  return select(my $ready = $watched, undef, undef, $wait // ($ahead > 0 ? $ahead / 1000 : 0)) <= 0;
}

sub udp {
  my @sockets = map { open_socket('udp', s/^=//r, '', family_of($address)) // die "bind $_: $!\n" } @sources;
  while (pace()) {
    for my $target (@targets) {
      for my $socket (@sockets) { defined send($socket, 'flood', 0, $target) and $count{sent}++ }
    }
  }
}

# Milliseconds.
use constant { AT_ONCE => 100, GIVE_UP => 100, WAIT => 20_000, STANDSTILL => 1_000 };

my %open;    # by file number
sub finish {
  my ($entry, $outcome) = @_;
  $count{$outcome}++;
  # No TIME_WAIT: the port shall be free again.
  setsockopt($entry->{handle}, SOL_SOCKET(), SO_LINGER(), pack('ii', 1, 0));
  delete $open{fileno($entry->{handle})};
  close($entry->{handle});
}

sub tcp {
  my $turn = 0;
  my $before = now_ms();
  while (pace(keys %open >= AT_ONCE ? 0.002 : undef)) {
    my $now = now_ms();
    # An emulated machine whose processors are taken away stands still, and its clock goes on: nobody could answer meanwhile.
    if ($now - $before > STANDSTILL) { $_->{since} += $now - $before for values %open }
    $before = $now;
    if (keys %open < AT_ONCE) {
      my $source = $sources[$turn % @sources];
      my $target = $targets[int($turn++ / @sources) % @targets];
      my $handle = open_socket('tcp', $source =~ s/^=//r, '', family_of($address)) // die "bind $source: $!\n";
      connect($handle, $target);
      $count{sent}++;
      $open{fileno($handle)} = { handle => $handle, allowed => scalar($source =~ /^=/), since => $now };
    }
    my $writing = '';
    vec($writing, $_, 1) = 1 for keys %open;
    if (select(undef, $writing, undef, 0) > 0) {
      for my $entry (@open{grep { exists $open{$_} } numbers_in($writing)}) {
        my $errno = unpack('i', getsockopt($entry->{handle}, SOL_SOCKET(), SO_ERROR()));
        finish($entry, $errno == 0 ? ($entry->{allowed} ? 'connected' : 'wrongly-connected')
          : $entry->{allowed} ? 'wrongly-refused' : 'refused');
      }
    }
    for my $entry (values %open) {
      next if $now - $entry->{since} < ($entry->{allowed} ? WAIT : GIVE_UP);
      finish($entry, $entry->{allowed} ? 'wrongly-silent' : 'timeout');
    }
  }
}

$protocol eq 'udp' ? udp() : tcp();
print "$_ $count{$_}\n" for sort keys %count;
