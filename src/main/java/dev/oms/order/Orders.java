package dev.oms.order;

import dev.oms.access.Caller;
import dev.oms.http.IfMatch;
import dev.oms.http.ProblemException;
import dev.oms.http.Statements;
import io.agroal.api.AgroalDataSource;
import io.quarkus.hibernate.orm.panache.PanacheRepository;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.hibernate.Session;

/** Orders with their lines. Reads for display take one round trip and load no entities. */
@ApplicationScoped
public class Orders implements PanacheRepository<Order> {
    private static final String READ = """
            select o.id, o.user_id, o.status, o.version, o.created_at, o.updated_at, coalesce(l.item_name, i.name),
                l.quantity, l.inventory_item_id = any(o.short_items)
            from (select * from orders where %s) o
            left join order_lines l on l.order_id = o.id
            left join inventory_items i on i.id = l.inventory_item_id
            order by o.id desc""";

    private static final String READ_ONE = READ.formatted("id = ? and user_id = coalesce(?::bigint, user_id)");

    private static final String READ_ALL = READ.formatted("id = any(?)");

    private static final String VERSIONS = "select id, version from orders where id = any(?)";

    private static final String EXISTS =
            "select 1 from orders where id = ?1 and user_id = coalesce(cast(?2 as bigint), user_id)";

    private final AgroalDataSource dataSource;

    Orders(AgroalDataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * Locks an order until the transaction ends. Waits for a consumer that is settling it; a consumer that comes later
     * skips it and tries again.
     *
     * @param caller a caller that is bound to a user sees that user's orders only
     * @throws ProblemException 404 when there is no such order, 412 when it is at another version than expected
     */
    Order lock(long id, Caller caller, IfMatch expected) {
        Order order = (caller.userId() == null
                        ? lockOptional(id)
                        : find("id = ?1 and userId = ?2", id, caller.userId())
                                .withLock(LockModeType.PESSIMISTIC_WRITE)
                                .firstResultOptional())
                .orElseThrow(() -> ProblemException.unknown("order", id));
        expected.require("order", id, order.version());
        return order;
    }

    /** Locks an order until the transaction ends, at any version; empty when there is no such order. */
    Optional<Order> lockOptional(long id) {
        return findByIdOptional(id, LockModeType.PESSIMISTIC_WRITE);
    }

    /** The time by PostgreSQL's clock. */
    Instant readClock() {
        return getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery("select clock_timestamp()", Instant.class)
                .getSingleResult();
    }

    /**
     * An order for display.
     *
     * @param caller a caller that is bound to a user sees that user's orders only
     * @throws ProblemException 404 when there is no such order
     */
    OrderView view(long id, Caller caller) {
        return view(id, caller.userId());
    }

    /** An order for display, whoever's it is. */
    OrderView view(long id) {
        return view(id, (Long) null);
    }

    private OrderView view(long id, Long userId) {
        List<OrderView> found = read(READ_ONE, Arrays.asList(id, userId));
        if (found.isEmpty()) {
            throw ProblemException.unknown("order", id);
        }
        return found.getFirst();
    }

    /** Orders for display, whoever's they are, without those that do not exist. */
    List<OrderView> viewAll(Collection<Long> ids) {
        return read(READ_ALL, List.of((Object) ids.toArray(Long[]::new)));
    }

    /** The versions of orders by id, without orders that do not exist. */
    Map<Long, Long> versions(Collection<Long> ids) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = Statements.prepare(
                        connection, VERSIONS, connection.createArrayOf("bigint", ids.toArray(Long[]::new)));
                ResultSet row = statement.executeQuery()) {
            Map<Long, Long> versions = new HashMap<>();
            while (row.next()) {
                versions.put(row.getLong(1), row.getLong(2));
            }
            return versions;
        } catch (SQLException e) {
            throw new IllegalStateException("Orders cannot be read", e);
        }
    }

    /**
     * Refuses an order that does not exist or is not the caller's.
     *
     * @throws ProblemException 404 when there is no such order
     */
    void require(long id, Caller caller) {
        boolean exists = !getEntityManager()
                .unwrap(Session.class)
                .createNativeQuery(EXISTS, Integer.class)
                .setParameter(1, id)
                .setParameter(2, caller.userId(), Long.class)
                .getResultList()
                .isEmpty();
        if (!exists) {
            throw ProblemException.unknown("order", id);
        }
    }

    /** Orders, newest first, of one user or all (null), in one status or any (null). */
    List<OrderView> list(Long userId, OrderStatus status, Long after, int rows) {
        List<Object> parameters = new ArrayList<>();
        parameters.add(after == null ? Long.MAX_VALUE : after);
        if (userId != null) {
            parameters.add(userId);
        }
        parameters.add(rows);
        return read(listQuery(userId != null, status), parameters);
    }

    /** Parameters: the id to list before, the user if {@code ofUser}, the number of rows. */
    static String listQuery(boolean ofUser, OrderStatus status) {
        StringBuilder which = new StringBuilder("id < ?");
        if (ofUser) {
            which.append(" and user_id = ?");
        }
        if (status != null) {
            // Not a parameter: a plan for any status could not use a partial index.
            which.append(" and status = '").append(status).append('\'');
            if (status.awaitsDeduction()) {
                which.append(" and due is not null");
            }
        }
        return READ.formatted(which.append(" order by id desc limit ?"));
    }

    /** Reads in the caller's transaction, if there is one. */
    private List<OrderView> read(String query, List<Object> parameters) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < parameters.size(); i++) {
                Object parameter = parameters.get(i);
                statement.setObject(
                        i + 1, parameter instanceof Long[] ids ? connection.createArrayOf("bigint", ids) : parameter);
            }
            Map<Long, OrderView> orders = new LinkedHashMap<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    OrderView order = orders.get(row.getLong(1));
                    if (order == null) {
                        order = viewOf(row);
                        orders.put(order.id(), order);
                    }
                    String item = row.getString(7);
                    if (item != null) {
                        // Lines from before names were kept may share one: an archived item's with a current item's.
                        order.items().merge(item, row.getLong(8), Long::sum);
                        if (row.getBoolean(9)) {
                            order.shortItems().add(item);
                        }
                    }
                }
            }
            return List.copyOf(orders.values());
        } catch (SQLException e) {
            throw new IllegalStateException("Orders cannot be read", e);
        }
    }

    private static OrderView viewOf(ResultSet row) throws SQLException {
        return new OrderView(
                row.getLong(1),
                row.getLong(2),
                OrderStatus.valueOf(row.getString(3)),
                new TreeMap<>(),
                row.getObject(9) == null ? null : new TreeSet<>(),
                instant(row, 5),
                instant(row, 6),
                row.getLong(4));
    }

    private static Instant instant(ResultSet row, int column) throws SQLException {
        return row.getObject(column, OffsetDateTime.class).toInstant();
    }
}
