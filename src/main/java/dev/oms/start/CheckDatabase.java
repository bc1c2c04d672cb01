package dev.oms.start;

import io.quarkus.runtime.configuration.ConfigurationException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Rejects a database in which OMS can never work, before anything is read or changed there. */
final class CheckDatabase {
    private CheckDatabase() {}

    /**
     * Returns the schema in which OMS has its tables, or will have them: the first one of the search path that exists.
     *
     * @throws ConfigurationException when the encoding is not UTF-8, or there is no such schema
     */
    static String schemaOf(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "select getdatabaseencoding(), current_schema(), current_setting('search_path')")) {
            row.next();
            String encoding = row.getString(1);
            if (!encoding.equals("UTF8")) {
                throw new ConfigurationException("the database at OMS_DB_URL has the encoding " + encoding
                        + "; create another one with: encoding 'UTF8' template template0.");
            }
            String schema = row.getString(2);
            if (schema == null) {
                throw new ConfigurationException("no schema of the search path (" + row.getString(3)
                        + ") exists and can be used by OMS_DB_USER; create it, or change currentSchema in OMS_DB_URL.");
            }
            return schema;
        }
    }
}
