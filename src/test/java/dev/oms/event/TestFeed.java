package dev.oms.event;

import jakarta.enterprise.inject.Vetoed;
import java.time.Duration;
import java.util.Collection;
import java.util.Set;

/** A feed that passes everything on to another, for tests that override something. */
@Vetoed
public class TestFeed extends EventFeed {
    private final EventFeed feed;

    public TestFeed(EventFeed feed) {
        super(null, null, null);
        this.feed = feed;
    }

    @Override
    public Batch read(long after, Set<EventType> types, int limit) {
        return feed.read(after, types, limit);
    }

    @Override
    public Batch find(Collection<Long> positions) {
        return feed.find(positions);
    }

    @Override
    public long end() {
        return feed.end();
    }

    @Override
    public Cursor cursorOf(long position) {
        return feed.cursorOf(position);
    }

    @Override
    public boolean await(long after, Duration atMost) throws InterruptedException {
        return feed.await(after, atMost);
    }
}
