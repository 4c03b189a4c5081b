-- A trader's orders: names with blanks, text as a boolean, pictures, keys of text, rules of values, and views over many tables.
CREATE TABLE [Categories] (
    [CategoryID] INTEGER PRIMARY KEY AUTOINCREMENT,
    [CategoryName] TEXT,
    [Picture] BLOB
);
CREATE TABLE [Customers] ([CustomerID] TEXT, [CompanyName] TEXT, [Region] TEXT, PRIMARY KEY (`CustomerID`));
CREATE TABLE [CustomerDemographics] ([CustomerTypeID] TEXT NOT NULL, [CustomerDesc] TEXT, PRIMARY KEY ("CustomerTypeID"));
CREATE TABLE [CustomerCustomerDemo] (
    [CustomerID] TEXT NOT NULL,
    [CustomerTypeID] TEXT NOT NULL,
    PRIMARY KEY ("CustomerID","CustomerTypeID"),
    FOREIGN KEY ([CustomerID]) REFERENCES [Customers] ([CustomerID]) ON DELETE NO ACTION ON UPDATE NO ACTION,
    FOREIGN KEY ([CustomerTypeID]) REFERENCES [CustomerDemographics] ([CustomerTypeID])
);
CREATE TABLE [Suppliers] ([SupplierID] INTEGER PRIMARY KEY AUTOINCREMENT, [CompanyName] TEXT NOT NULL, [HomePage] TEXT);
CREATE TABLE [Products] (
    [ProductID] INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    [ProductName] TEXT NOT NULL,
    [SupplierID] INTEGER,
    [CategoryID] INTEGER,
    [UnitPrice] NUMERIC DEFAULT 0,
    [UnitsInStock] INTEGER DEFAULT 0,
    [Discontinued] TEXT NOT NULL DEFAULT '0',
    CHECK ([UnitPrice] >= (0)),
    FOREIGN KEY ([CategoryID]) REFERENCES [Categories] ([CategoryID]),
    FOREIGN KEY ([SupplierID]) REFERENCES [Suppliers] ([SupplierID])
);
CREATE TABLE [Orders] (
    [OrderID] INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    [CustomerID] TEXT,
    [OrderDate] DATETIME,
    [ShippedDate] DATETIME,
    [Freight] NUMERIC DEFAULT 0,
    FOREIGN KEY ([CustomerID]) REFERENCES [Customers] ([CustomerID])
);
CREATE TABLE [Order Details](
    [OrderID] INTEGER NOT NULL,
    [ProductID] INTEGER NOT NULL,
    [UnitPrice] NUMERIC NOT NULL DEFAULT 0,
    [Quantity] INTEGER NOT NULL DEFAULT 1,
    [Discount] REAL NOT NULL DEFAULT 0,
    PRIMARY KEY ("OrderID","ProductID"),
    CHECK ([Discount]>=(0) AND [Discount]<=(1)),
    FOREIGN KEY ([OrderID]) REFERENCES [Orders] ([OrderID]),
    FOREIGN KEY ([ProductID]) REFERENCES [Products] ([ProductID])
);
CREATE TABLE [Regions] ([RegionID] INTEGER NOT NULL PRIMARY KEY, [RegionDescription] TEXT NOT NULL);
CREATE TABLE [Territories] (
    [TerritoryID] TEXT NOT NULL,
    [TerritoryDescription] TEXT NOT NULL,
    [RegionID] INTEGER NOT NULL REFERENCES [Regions],
    PRIMARY KEY ("TerritoryID")
) WITHOUT ROWID;
CREATE VIEW [Alphabetical list of products] AS SELECT Products.*, Categories.CategoryName
    FROM Categories INNER JOIN Products ON Categories.CategoryID = Products.CategoryID WHERE (((Products.Discontinued)=0));
CREATE VIEW [Current Product List] AS SELECT ProductID, ProductName FROM Products WHERE Discontinued = 0;
CREATE VIEW [Order Subtotals] AS SELECT "Order Details".OrderID,
    Sum(("Order Details".UnitPrice * Quantity * (1 - Discount) / 100) * 100) AS Subtotal FROM "Order Details"
    GROUP BY "Order Details".OrderID;
-- The table of this view was dropped.
CREATE VIEW [Sales by Year] AS SELECT * FROM [Summary of Sales];

INSERT INTO [Categories] VALUES (1, 'Beverages', X'151C2F00'), (2, 'Condiments', NULL), (3, 'Confections', 'no picture');
INSERT INTO [Customers] VALUES ('ALFKI', 'Alfreds Futterkiste', NULL), ('ANATR', 'Ana Trujillo', 'Central America'), ('Alfki', 'Another', '');
INSERT INTO [CustomerDemographics] VALUES ('A', 'large'), ('B', NULL);
INSERT INTO [CustomerCustomerDemo] VALUES ('ALFKI', 'A'), ('ALFKI', 'B'), ('ANATR', 'A');
INSERT INTO [Suppliers] VALUES (1, 'Exotic Liquids', NULL), (2, 'Grandma Kelly''s', '#CAJUN.HTM#');
INSERT INTO [Products] VALUES (1, 'Chai', 1, 1, 18, 39, '0'), (2, 'Chang', 1, 1, 19.5, 17, '0'), (3, 'Aniseed Syrup', 1, 2, 10, NULL, '1'),
    (4, 'Ikura', NULL, NULL, 'unknown', 'many', '0'), (5, 'Tofu', 2, NULL, NULL, 0, '1');
INSERT INTO [Orders] VALUES (10248, 'ALFKI', '2016-07-04', '2016-07-16 00:00:00', 32.38), (10249, 'ANATR', '2016-07-05', NULL, 11.61),
    (10250, NULL, '2016-07-05 10:30:00', '0000-00-00', 'free'), (10251, 'Alfki', NULL, NULL, 0);
INSERT INTO [Order Details] VALUES (10248, 1, 14, 12, 0.0), (10248, 2, 9.8, 10, 0.15), (10249, 3, 18.6, 9, 0.05), (10250, 1, 7.7, 5, 0.25);
INSERT INTO [Regions] VALUES (1, 'Eastern'), (2, 'Western');
INSERT INTO [Territories] VALUES ('01581', 'Westboro', 1), ('01730', 'Bedford', 1), ('1730', 'Other', 2);
